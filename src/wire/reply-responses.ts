import type { ReplyFacts } from '../core/model/reply.ts';
import { replyError } from './reply-error.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import { responsesFinish, worseFinish } from './reply-finish.ts';
import { ReplyTally } from './reply-tally.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** Output items that the model writes; they are no tools. */
const OWN_ITEMS: ReadonlySet<string> = new Set(['message', 'reasoning', 'compaction']);

/** Calls that the client answers. Every other item, known or not, counts as a tool that ran at the provider. */
const CLIENT_CALLS: ReadonlySet<string> = new Set([
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'apply_patch_call',
]);

/** Gathers the facts of a response from its body or from its events. @internal */
export class ResponsesTally {
  readonly tally: ReplyTally = new ReplyTally('openai-responses');
  #calledTools = false;
  #refused = false;

  /** Takes a response object: the whole body, or the one that a stream's last event carries. */
  takeResponse(response: Fields): void {
    const { tally } = this;
    tally.name(response);
    tally.stateUsage(response['usage'], response);
    // A stream's deltas have counted the bytes already.
    const isCounted = tally.outputBytes > 0;
    for (const item of objectsOf(response['output'])) {
      this.takeItem(item);
      if (!isCounted) this.#countItem(item);
    }
    const status = wordOf(response['status']) ?? 'unknown';
    tally.finish = responsesFinish(status, wordOf(objectOf(response['incomplete_details'])?.['reason']));
    tally.ended = status === 'completed' || status === 'incomplete' || status === 'failed';
    const error = replyError(response['error']);
    if (error !== undefined) tally.fail(error);
  }

  /** Takes what the type of an output item says. */
  takeItem(item: Fields): void {
    const type = wordOf(item['type']) ?? 'unknown';
    for (const part of objectsOf(item['content'])) {
      if (wordOf(part['refusal']) !== undefined) this.#refused = true;
    }
    if (OWN_ITEMS.has(type)) return;
    this.tally.isEmpty = false;
    if (CLIENT_CALLS.has(type)) this.#calledTools = true;
    else this.tally.usedHostedTools = true;
  }

  /** Takes a refusal that comes as a delta. */
  refuse(): void {
    this.#refused = true;
  }

  facts(): ReplyFacts {
    const { tally } = this;
    if (this.#refused) tally.finish = worseFinish(tally.finish, 'refusal');
    else if (tally.finish === 'complete' && this.#calledTools) tally.finish = 'tool-calls';
    return tally.facts();
  }

  #countItem(item: Fields): void {
    const { tally } = this;
    for (const part of [...objectsOf(item['content']), ...objectsOf(item['summary'])]) {
      if (!tally.text(part['text'])) tally.text(part['refusal']);
    }
    for (const name of ['arguments', 'input', 'code']) tally.text(item[name]);
  }
}
