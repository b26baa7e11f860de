import { ContinuedItem } from './continued-item.ts';
import type { ContinuedEvents } from './continued-events.ts';
import { eventFrame } from './event-frame.ts';
import type { ResponsesPartial } from './partial-text.ts';
import type { StreamEvent } from './replay-events.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import type { ReplyFrame } from './reply-frame.ts';
import type { TextSeam } from './text-seam.ts';
import { type Fields, listOf, wordOf } from './usage-count.ts';

/** What the last event states of the second reply; all else (the id, the model, what the request asked for) is the first one's. */
const OF_THE_END = ['status', 'usage', 'error', 'incomplete_details', 'completed_at', 'service_tier'] as const;

/**
 * Makes the events of another response go on in one that broke. Its first message goes on in the item that is open, under that item's id;
 * reasoning items before it are dropped then. Every other item follows with the next index, behind the end of the open one. Events are numbered on.
 * @internal
 */
export class ContinuedResponses implements ContinuedEvents {
  readonly #partial: ResponsesPartial;
  readonly #seam: TextSeam;
  /** The message of the first stream that is open and not yet gone on with. */
  #waiting: ContinuedItem | undefined;
  /** The message that is being sent, with its index in the second stream. */
  #open: { readonly source: unknown; readonly item: ContinuedItem } | undefined;
  #nextIndex: number;
  /** Our index of each item of the second stream; undefined for one that is dropped. */
  readonly #indexes: Map<unknown, number | undefined> = new Map();
  readonly #items: Map<number, Fields>;
  #sequenceNumber: number | undefined;

  constructor(partial: ResponsesPartial, seam: TextSeam) {
    this.#partial = partial;
    this.#seam = seam;
    this.#waiting = partial.openItem && new ContinuedItem(partial.openItem, seam);
    this.#nextIndex = partial.nextIndex;
    this.#items = new Map(partial.items);
    this.#sequenceNumber = partial.lastSequenceNumber;
  }

  take({ type, data }: StreamEvent, frame: ReplyFrame): readonly ReplyFrame[] {
    if (data === undefined) return [frame];
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return [];
      case 'response.output_item.added':
        return this.#frames(this.#addItem(data, objectOf(data['item']) ?? {}));
      case 'response.output_item.done':
        return this.#frames(this.#endItem(data, objectOf(data['item']) ?? {}));
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#frames([...this.#endWaiting(), ...this.#endOpen(), this.#end(data)], frame.role);
      default:
        return type.startsWith('response.') ? this.#frames(this.#inside(type, data)) : [frame];
    }
  }

  #frames(events: readonly Fields[], lastRole: ReplyFrame['role'] = 'content'): readonly ReplyFrame[] {
    return events.map((event, place) => {
      const role = place === events.length - 1 ? lastRole : 'content';
      if (this.#sequenceNumber === undefined) return eventFrame(wordOf(event['type']), event, role);
      this.#sequenceNumber += 1;
      return eventFrame(wordOf(event['type']), { ...event, sequence_number: this.#sequenceNumber }, role);
    });
  }

  #addItem(event: Fields, item: Fields): readonly Fields[] {
    const source = event['output_index'];
    const type = item['type'];
    if (this.#waiting !== undefined && type === 'reasoning') {
      this.#indexes.set(source, undefined);
      return [];
    }
    if (this.#waiting !== undefined && type === 'message') {
      this.#open = { source, item: this.#waiting };
      this.#indexes.set(source, this.#waiting.index);
      this.#waiting = undefined;
      return [];
    }
    const ends = [...this.#endWaiting(), ...this.#endOpen()];
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    this.#indexes.set(source, index);
    if (type === 'message') {
      const added = { index, fields: item, parts: [], openPart: undefined };
      this.#open = { source, item: new ContinuedItem(added, this.#seam) };
    }
    return [...ends, { ...event, output_index: index }];
  }

  #inside(type: string, event: Fields): readonly Fields[] {
    const source = event['output_index'];
    if (this.#open !== undefined && this.#open.source === source) return this.#open.item.take(type, event);
    if (!this.#indexes.has(source)) return [event];
    const index = this.#indexes.get(source);
    return index === undefined ? [] : [{ ...event, output_index: index }];
  }

  #endItem(event: Fields, item: Fields): readonly Fields[] {
    if (this.#open !== undefined && this.#open.source === event['output_index']) return this.#endOpen(event);
    const index = this.#indexes.get(event['output_index']);
    if (index === undefined) return [];
    this.#items.set(index, item);
    return [{ ...event, output_index: index }];
  }

  #endOpen(event?: Fields): readonly Fields[] {
    const item = this.#open?.item;
    this.#open = undefined;
    return item === undefined ? [] : this.#close(item, event);
  }

  #endWaiting(): readonly Fields[] {
    const item = this.#waiting;
    this.#waiting = undefined;
    return item === undefined ? [] : this.#close(item);
  }

  #close(item: ContinuedItem, event?: Fields): readonly Fields[] {
    const { events, whole } = item.close(event);
    this.#items.set(item.index, whole);
    return events;
  }

  #end(event: Fields): Fields {
    const last = objectOf(event['response']) ?? {};
    const first = this.#partial.response;
    for (const [source, item] of listOf(last['output']).entries()) {
      const index = this.#indexes.get(source);
      // An item whose own end never came.
      if (index !== undefined && !this.#items.has(index)) this.#items.set(index, objectOf(item) ?? {});
    }
    const output = [...this.#items].toSorted(([left], [right]) => left - right).map(([, item]) => item);
    const response: Record<string, unknown> = { ...last, ...first, output };
    for (const name of OF_THE_END) {
      if (name in last) response[name] = last[name];
      else delete response[name];
    }
    if ('output_text' in response) response['output_text'] = output.map(textOf).join('');
    return { ...event, response };
  }
}

function textOf(item: Fields): string {
  const parts = item['type'] === 'message' ? objectsOf(item['content']) : [];
  return parts.map((part) => (part['type'] === 'output_text' ? (wordOf(part['text']) ?? '') : '')).join('');
}
