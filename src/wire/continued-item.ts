import type { OpenItem } from './partial-text.ts';
import { objectOf } from './reply-fields.ts';
import type { TextSeam } from './text-seam.ts';
import { type Fields, wordOf } from './usage-count.ts';

interface Part {
  readonly index: number;
  readonly fields: Fields;
  text: string;
  isTextDone: boolean;
}

/**
 * A message item of a continued Responses stream: it may have been begun by the first stream and gone on with by the second. Keeps what was sent, so that
 * the events that repeat the text repeat all of it.
 * @internal
 */
export class ContinuedItem {
  readonly index: number;
  readonly #fields: Fields;
  readonly #seam: TextSeam;
  readonly #parts: Fields[];
  #nextPart: number;
  #open: Part | undefined;
  /** Our index of each part of the second stream. */
  readonly #indexes: Map<unknown, number> = new Map();

  constructor(item: OpenItem, seam: TextSeam) {
    this.index = item.index;
    this.#fields = item.fields;
    this.#seam = seam;
    this.#parts = [...item.parts];
    this.#open = item.openPart && { ...item.openPart };
    this.#nextPart = item.parts.length + (item.openPart === undefined ? 0 : 1);
  }

  /** Takes an event inside the item and gives what to send for it. */
  take(type: string, event: Fields): readonly Fields[] {
    if (type === 'response.content_part.added') return this.#addPart(event, objectOf(event['part']) ?? {});
    const ours = this.#ours(event);
    switch (type) {
      case 'response.output_text.delta': {
        const text = this.#seam.take(wordOf(event['delta']) ?? '');
        return text === '' ? [] : [this.#delta(text, ours)];
      }
      case 'response.output_text.done':
        return this.#endText(ours);
      case 'response.content_part.done':
        return this.#endPart(ours, objectOf(event['part']));
      default:
        return [ours];
    }
  }

  /**
   * Ends the item, and what is open in it.
   * @param event - the second stream's own end of it, where it has come.
   */
  close(event?: Fields): { readonly events: readonly Fields[]; readonly whole: Fields } {
    const ends = this.#endPart({});
    const stated = objectOf(event?.['item']) ?? this.#fields;
    const status = 'status' in stated ? { status: wordOf(objectOf(event?.['item'])?.['status']) ?? 'completed' } : {};
    const whole = { ...stated, ...status, id: this.#fields['id'], content: this.#parts };
    const done = { ...event, type: 'response.output_item.done', output_index: this.index, item: whole };
    return { events: [...ends, done], whole };
  }

  #addPart(event: Fields, part: Fields): readonly Fields[] {
    const isText = part['type'] === 'output_text';
    const waiting = this.#open;
    if (waiting !== undefined && isText && !waiting.isTextDone) {
      this.#indexes.set(event['content_index'], waiting.index);
      return [];
    }
    const ends = this.#endPart({});
    const index = this.#nextPart;
    this.#nextPart += 1;
    this.#indexes.set(event['content_index'], index);
    this.#open = { index, fields: part, text: '', isTextDone: !isText };
    return [...ends, this.#ours(event)];
  }

  #endText(event: Fields): readonly Fields[] {
    const part = this.#open;
    if (part === undefined || part.isTextDone) return [];
    const rest = this.#seam.finish();
    const deltas = rest === '' ? [] : [this.#delta(rest, {})];
    part.isTextDone = true;
    return [
      ...deltas,
      { logprobs: [], ...event, ...this.#at(part), type: 'response.output_text.done', text: part.text },
    ];
  }

  #endPart(event: Fields, stated?: Fields): readonly Fields[] {
    const part = this.#open;
    if (part === undefined) return [];
    const isText = part.fields['type'] === 'output_text';
    const ends = isText ? this.#endText({}) : [];
    const whole = isText ? { ...(stated ?? part.fields), text: part.text } : (stated ?? part.fields);
    this.#parts.push(whole);
    this.#open = undefined;
    return [...ends, { ...event, ...this.#at(part), type: 'response.content_part.done', part: whole }];
  }

  #delta(text: string, event: Fields): Fields {
    const part = this.#open;
    if (part !== undefined) part.text += text;
    const at = part === undefined ? {} : this.#at(part);
    return { logprobs: [], ...event, ...at, type: 'response.output_text.delta', delta: text };
  }

  #at(part: Part): Fields {
    return { item_id: this.#fields['id'], output_index: this.index, content_index: part.index };
  }

  #ours(event: Fields): Fields {
    const content = this.#indexes.get(event['content_index']);
    const at = content === undefined ? {} : { content_index: content };
    return { ...event, item_id: this.#fields['id'], output_index: this.index, ...at };
  }
}
