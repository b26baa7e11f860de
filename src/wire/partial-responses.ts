import { PartialProgress } from './partial-progress.ts';
import type { OpenPart, ResponsesPartial } from './partial-text.ts';
import { isFilledList, objectOf } from './reply-fields.ts';
import type { StreamEvent } from './replay-events.ts';
import { type Fields, wordOf } from './usage-count.ts';

interface Item {
  readonly index: number;
  readonly fields: Fields;
  readonly parts: Fields[];
  part: OpenPart | undefined;
}

const LIFECYCLE: ReadonlySet<string> = new Set(['response.created', 'response.queued', 'response.in_progress']);
const ENDS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed']);
const CLIENT_CALL = /^response\.(?:function_call|custom_tool_call)/;

/** Gathers what a Responses stream has brought so far. @internal */
export class ResponsesProgress {
  readonly progress: PartialProgress = new PartialProgress();
  #response: Fields | undefined;
  #lastSequenceNumber: number | undefined;
  readonly #items: Map<number, Fields> = new Map();
  #nextIndex = 0;
  #open: Item | undefined;

  take({ type, data }: StreamEvent): void {
    if (data === undefined || !type.startsWith('response.')) return;
    const number = data['sequence_number'];
    if (typeof number === 'number') this.#lastSequenceNumber = number;
    if (LIFECYCLE.has(type)) this.#response ??= objectOf(data['response']);
    else if (ENDS.has(type)) this.progress.giveUp('finished');
    else if (type === 'response.output_item.added') this.#addItem(data);
    else if (type === 'response.output_item.done') this.#endItem(data);
    else if (!type.startsWith('response.reasoning')) this.#takePart(type, data);
    // With the text that it holds.
    if (this.progress.obstacle !== undefined) this.#open = undefined;
  }

  partial(): ResponsesPartial | 'not-started' | 'open-thinking' {
    const { progress } = this;
    const open = this.#open;
    if (this.#response === undefined) return 'not-started';
    if (open !== undefined && open.fields['type'] !== 'message') return 'open-thinking';
    const { text, hasThinking } = progress;
    const isOpen = open?.part !== undefined && !open.part.isTextDone;
    return {
      endpoint: 'responses',
      text,
      hasThinking,
      isTextClosed: text !== '' && !isOpen,
      response: this.#response,
      lastSequenceNumber: this.#lastSequenceNumber,
      items: new Map(this.#items),
      nextIndex: this.#nextIndex,
      openItem: open && { index: open.index, fields: open.fields, parts: [...open.parts], openPart: open.part },
    };
  }

  #addItem(event: Fields): void {
    const item = objectOf(event['item']) ?? {};
    const index = event['output_index'];
    const type = wordOf(item['type']) ?? 'unknown';
    if (type === 'reasoning') this.progress.hasThinking = true;
    else if (type === 'function_call' || type === 'custom_tool_call') this.progress.giveUp('tool-call');
    else if (type !== 'message') this.progress.giveUp('hosted-tool');
    if (typeof index !== 'number' || this.#open !== undefined) {
      this.progress.giveUp('unknown-event');
      return;
    }
    this.#nextIndex = index + 1;
    this.#open = { index, fields: item, parts: [], part: undefined };
  }

  #endItem(event: Fields): void {
    const item = objectOf(event['item']);
    if (this.#open === undefined || item === undefined) this.progress.giveUp('unknown-event');
    else this.#items.set(this.#open.index, item);
    this.#open = undefined;
  }

  #takePart(type: string, event: Fields): void {
    const open = this.#open;
    const part = objectOf(event['part']);
    const at = open?.part;
    if (type === 'response.output_text.annotation.added') this.progress.giveUp('citations');
    else if (type.startsWith('response.refusal') || part?.['type'] === 'refusal') this.progress.giveUp('refusal');
    else if (type.startsWith('response.audio')) this.progress.giveUp('media');
    else if (CLIENT_CALL.test(type)) this.progress.giveUp('tool-call');
    else if (open === undefined) this.progress.giveUp('unknown-event');
    // Parts of a reasoning item, whose end says all.
    else if (open.fields['type'] !== 'message') return;
    else if (type === 'response.content_part.added' && part?.['type'] === 'output_text' && at === undefined) {
      open.part = { index: Number(event['content_index'] ?? 0), fields: part, text: '', isTextDone: false };
    } else if (at === undefined) this.progress.giveUp('unknown-event');
    else if (type === 'response.output_text.delta') {
      if (isFilledList(event['logprobs'])) this.progress.giveUp('log-probabilities');
      this.progress.addText(event['delta']);
      open.part = { ...at, text: at.text + (wordOf(event['delta']) ?? '') };
    } else if (type === 'response.output_text.done') open.part = { ...at, isTextDone: true };
    else if (type === 'response.content_part.done' && part !== undefined) {
      open.parts.push(part);
      open.part = undefined;
    } else this.progress.giveUp('unknown-event');
  }
}
