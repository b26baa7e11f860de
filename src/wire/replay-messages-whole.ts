import { objectOf } from './reply-fields.ts';
import { mergeUsage } from './reply-messages.ts';
import { bodyBytes, type StreamEvent } from './replay-events.ts';
import { copyFields, parseExactly } from './replay-json.ts';
import { type Fields, listOf, wordOf } from './usage-count.ts';

type Entry = Record<string, unknown>;

/** The message that the events of a stream amount to. @internal */
export function messagesWhole(events: readonly StreamEvent[]): Uint8Array | undefined {
  const message = new OpenMessage();
  for (const { type, data } of events) {
    if (type === 'error' || (data !== undefined && !message.take(type, data))) return undefined;
  }
  const body = message.finish();
  return body === undefined ? undefined : bodyBytes(body);
}

class OpenMessage {
  #body: Entry | undefined;
  readonly #blocks: Entry[] = [];
  readonly #inputs: Map<number, string> = new Map();
  #hasStopped = false;

  /** Takes an event; false when it says something that a whole message cannot be made of. */
  take(type: string, event: Fields): boolean {
    switch (type) {
      case 'message_start':
        this.#body = copyFields(objectOf(event['message']) ?? {});
        return true;
      case 'content_block_start':
        return this.#startBlock(event['index'], objectOf(event['content_block']));
      case 'content_block_delta':
        return this.#addDelta(event['index'], objectOf(event['delta']));
      case 'content_block_stop':
        return this.#stopBlock(event['index']);
      case 'message_delta':
        return this.#addMessageDelta(event);
      case 'message_stop':
        this.#hasStopped = true;
        return true;
      case 'ping':
        return true;
      default:
        return false;
    }
  }

  finish(): Entry | undefined {
    if (this.#body === undefined || !this.#hasStopped || this.#inputs.size > 0) return undefined;
    return { ...this.#body, content: this.#blocks };
  }

  #startBlock(index: unknown, block: Fields | undefined): boolean {
    if (block === undefined || index !== this.#blocks.length) return false;
    this.#blocks.push(copyFields(block));
    return true;
  }

  #addDelta(index: unknown, delta: Fields | undefined): boolean {
    const block = typeof index === 'number' ? this.#blocks[index] : undefined;
    if (block === undefined || delta === undefined) return false;
    switch (delta['type']) {
      case 'text_delta':
        return append(block, 'text', delta['text']);
      case 'thinking_delta':
        return append(block, 'thinking', delta['thinking']);
      case 'compaction_delta':
        return append(block, 'content', delta['content']);
      case 'signature_delta':
        block['signature'] = delta['signature'];
        return true;
      case 'citations_delta':
        block['citations'] = [...listOf(block['citations']), delta['citation']];
        return true;
      case 'input_json_delta':
        this.#inputs.set(
          Number(index),
          (this.#inputs.get(Number(index)) ?? '') + (wordOf(delta['partial_json']) ?? ''),
        );
        return true;
      default:
        return false;
    }
  }

  #stopBlock(index: unknown): boolean {
    const block = typeof index === 'number' ? this.#blocks[index] : undefined;
    if (block === undefined) return false;
    const text = this.#inputs.get(Number(index));
    this.#inputs.delete(Number(index));
    if (text === undefined || text === '') return true;
    block['input'] = parseExactly(text);
    return block['input'] !== undefined;
  }

  #addMessageDelta(event: Fields): boolean {
    const body = this.#body;
    if (body === undefined) return false;
    const { type: _type, delta, usage, ...rest } = event;
    Object.assign(body, rest, objectOf(delta));
    body['usage'] = mergeUsage(objectOf(body['usage']), usage);
    return true;
  }
}

function append(block: Entry, name: string, piece: unknown): boolean {
  if (typeof piece !== 'string') return false;
  block[name] = (typeof block[name] === 'string' ? block[name] : '') + piece;
  return true;
}
