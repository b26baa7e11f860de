import type { ContinuedEvents } from './continued-events.ts';
import { eventFrame } from './event-frame.ts';
import type { MessagesPartial } from './partial-text.ts';
import type { StreamEvent } from './replay-events.ts';
import { objectOf } from './reply-fields.ts';
import type { ReplyFrame } from './reply-frame.ts';
import { mergeUsage } from './reply-messages.ts';
import type { TextSeam } from './text-seam.ts';
import { type Fields, wordOf } from './usage-count.ts';

const NONE: readonly ReplyFrame[] = [];

/**
 * Makes the events of another message go on in one that broke. Its first text goes on in the block that is open; thoughts before it are
 * dropped then, since no block can stand inside another. Every other block follows with the next index, behind the end of the open one.
 * @internal
 */
export class ContinuedMessages implements ContinuedEvents {
  readonly #seam: TextSeam;
  /** The block of the first stream that is open and not yet gone on with. */
  #waitingIndex: number | undefined;
  #nextIndex: number;
  /** Our index of each block of the second stream; undefined for one that is dropped. */
  readonly #indexes: Map<unknown, number | undefined> = new Map();
  /** The block whose text is being sent, by our index. */
  #textIndex: number | undefined;
  #startUsage: Fields | undefined;

  constructor(partial: MessagesPartial, seam: TextSeam) {
    this.#seam = seam;
    this.#waitingIndex = partial.openIndex;
    this.#nextIndex = partial.nextIndex;
  }

  take({ type, data }: StreamEvent, frame: ReplyFrame): readonly ReplyFrame[] {
    if (data === undefined) return [frame];
    switch (type) {
      case 'message_start':
        this.#startUsage = objectOf(objectOf(data['message'])?.['usage']);
        return NONE;
      case 'content_block_start':
        return this.#start(data, objectOf(data['content_block']) ?? {});
      case 'content_block_delta':
        return this.#add(data, objectOf(data['delta']) ?? {});
      case 'content_block_stop':
        return this.#stop(data);
      case 'message_delta':
        // The client has the first stream's input counts; those of the one that is stated here belong together.
        return [
          ...this.#endWaiting(),
          eventFrame(type, { ...data, usage: mergeUsage(this.#startUsage, data['usage']) }),
        ];
      default:
        return [frame];
    }
  }

  #start(event: Fields, block: Fields): readonly ReplyFrame[] {
    const { index } = event;
    const isText = block['type'] === 'text';
    if (this.#waitingIndex !== undefined && (isText || isThinking(block))) {
      this.#indexes.set(index, isText ? this.#waitingIndex : undefined);
      if (!isText) return NONE;
      this.#textIndex = this.#waitingIndex;
      this.#waitingIndex = undefined;
      return this.#texts(this.#seam.take(wordOf(block['text']) ?? ''));
    }
    const frames = this.#endWaiting();
    const ours = this.#nextIndex;
    this.#nextIndex += 1;
    this.#indexes.set(index, ours);
    if (!isText) return [...frames, eventFrame('content_block_start', { ...event, index: ours })];
    this.#textIndex = ours;
    const begun = { ...event, index: ours, content_block: { ...block, text: '' } };
    const texts = this.#texts(this.#seam.take(wordOf(block['text']) ?? ''));
    return [...frames, eventFrame('content_block_start', begun), ...texts];
  }

  #add(event: Fields, delta: Fields): readonly ReplyFrame[] {
    const index = this.#indexes.get(event['index']);
    if (index === undefined) return NONE;
    if (delta['type'] !== 'text_delta') return [eventFrame('content_block_delta', { ...event, index })];
    const text = this.#seam.take(wordOf(delta['text']) ?? '');
    return text === '' ? NONE : [eventFrame('content_block_delta', { ...event, index, delta: { ...delta, text } })];
  }

  #stop(event: Fields): readonly ReplyFrame[] {
    const index = this.#indexes.get(event['index']);
    if (index === undefined) return NONE;
    const rest = index === this.#textIndex ? this.#texts(this.#seam.finish()) : NONE;
    this.#textIndex = undefined;
    return [...rest, eventFrame('content_block_stop', { ...event, index })];
  }

  #texts(text: string): readonly ReplyFrame[] {
    if (text === '') return NONE;
    const delta = { type: 'text_delta', text };
    return [eventFrame('content_block_delta', { type: 'content_block_delta', index: this.#textIndex, delta })];
  }

  #endWaiting(): readonly ReplyFrame[] {
    const index = this.#waitingIndex;
    this.#waitingIndex = undefined;
    return index === undefined ? NONE : [eventFrame('content_block_stop', { type: 'content_block_stop', index })];
  }
}

function isThinking(block: Fields): boolean {
  return block['type'] === 'thinking' || block['type'] === 'redacted_thinking';
}
