import type { ReplyFacts } from '../core/model/reply.ts';
import { replyError } from './reply-error.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import { messagesFinish } from './reply-finish.ts';
import { ReplyTally } from './reply-tally.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** Blocks that are no tools. Every other block but `tool_use`, known or not, counts as a tool that ran at the provider. */
const OWN_BLOCKS: ReadonlySet<string> = new Set(['text', 'thinking', 'redacted_thinking', 'compaction']);

/**
 * Merges usage objects field by field; the later value wins unless it is null. `message_delta` may raise the input that
 * `message_start` stated, when tools of the provider read more.
 * @internal
 */
export function mergeUsage(earlier: Fields | undefined, later: unknown): Fields | undefined {
  const fields = objectOf(later);
  if (fields === undefined) return earlier;
  const merged: Record<string, unknown> = { ...earlier };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null) merged[name] = value;
    else if (!(name in merged)) merged[name] = null;
  }
  return merged;
}

/** Gathers the facts of an Anthropic message from its body or from its events. @internal */
export class MessagesTally {
  readonly tally: ReplyTally = new ReplyTally('anthropic');
  #rawUsage: Fields | undefined;
  #message: Fields = {};
  #calledTools = false;

  /** Takes a message object: the whole body, or the one that `message_start` carries. */
  takeMessage(message: Fields): void {
    this.#message = message;
    this.tally.name(message);
    for (const block of objectsOf(message['content'])) this.takeBlock(block);
    this.takeStop(message, message['usage']);
    const error = replyError(message['error']);
    if (error !== undefined) this.tally.fail(error);
  }

  /** Takes the end of a message, and what usage was stated with it. */
  takeStop(stop: Fields | undefined, usage: unknown): void {
    const word = wordOf(stop?.['stop_reason']);
    if (word !== undefined) this.tally.finish = messagesFinish(word);
    this.#rawUsage = mergeUsage(this.#rawUsage, usage);
    this.tally.stateUsage(this.#rawUsage, this.#message);
  }

  /** Takes a content block, whole or just begun. */
  takeBlock(block: Fields): void {
    const { tally } = this;
    const type = wordOf(block['type']) ?? 'unknown';
    if (type === 'tool_use') this.#calledTools = true;
    else if (!OWN_BLOCKS.has(type)) tally.usedHostedTools = true;
    if (type === 'redacted_thinking' || !OWN_BLOCKS.has(type)) tally.isEmpty = false;
    tally.text(block['text']);
    tally.text(block['thinking']);
    if (type === 'compaction') tally.text(block['content']);
    const input = objectOf(block['input']);
    // A block just begun carries an empty input that its deltas fill.
    if (input !== undefined && Object.keys(input).length > 0) tally.json(input);
  }

  facts(): ReplyFacts {
    const { tally } = this;
    if (this.#calledTools && tally.finish === 'complete') tally.finish = 'tool-calls';
    return tally.facts();
  }
}
