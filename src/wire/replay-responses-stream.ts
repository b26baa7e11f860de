import { replyError } from './reply-error.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import { EventWriter } from './replay-events.ts';
import { type Fields, wordOf } from './usage-count.ts';

/** The events that a response would have come in. @internal */
export function responsesStream(body: Fields): Uint8Array | undefined {
  const status = body['status'];
  if (status !== 'completed' && status !== 'incomplete') return undefined;
  if (!Array.isArray(body['output']) || replyError(body['error']) !== undefined) return undefined;
  const events = new ResponsesEvents();
  const begun: Record<string, unknown> = { ...body, status: 'in_progress', output: [], usage: null };
  if ('completed_at' in body) begun['completed_at'] = null;
  if ('incomplete_details' in body) begun['incomplete_details'] = null;
  if ('output_text' in body) begun['output_text'] = '';
  events.add('response.created', { response: begun });
  events.add('response.in_progress', { response: begun });
  for (const [place, item] of body['output'].entries()) {
    const fields = objectOf(item);
    if (fields === undefined) return undefined;
    addItem(events, place, fields);
  }
  events.add(`response.${status}`, { response: body });
  return events.bytes();
}

/** Writes events with their running number. */
class ResponsesEvents {
  readonly #writer: EventWriter = new EventWriter();
  #number = 0;

  add(type: string, fields: Fields): void {
    this.#writer.write(type, { type, sequence_number: this.#number, ...fields });
    this.#number += 1;
  }

  bytes(): Uint8Array {
    return this.#writer.bytes();
  }
}

function addItem(events: ResponsesEvents, outputIndex: number, item: Fields): void {
  const at = { output_index: outputIndex, item_id: item['id'] };
  events.add('response.output_item.added', { output_index: outputIndex, item: begunItem(item) });
  addSummary(events, at, item);
  for (const [place, part] of objectsOf(item['content']).entries()) {
    addPart(events, { ...at, content_index: place }, part);
  }
  const { type } = item;
  if (type === 'function_call') addText(events, 'response.function_call_arguments', at, 'arguments', item['arguments']);
  if (type === 'custom_tool_call') addText(events, 'response.custom_tool_call_input', at, 'input', item['input']);
  events.add('response.output_item.done', { output_index: outputIndex, item });
}

/** An item as it stands before its deltas. */
function begunItem(item: Fields): Fields {
  const begun: Record<string, unknown> = { ...item };
  if ('status' in item) begun['status'] = 'in_progress';
  for (const name of ['content', 'summary']) if (Array.isArray(item[name])) begun[name] = [];
  if (item['type'] === 'function_call') begun['arguments'] = '';
  if (item['type'] === 'custom_tool_call') begun['input'] = '';
  return begun;
}

function addSummary(events: ResponsesEvents, at: Fields, item: Fields): void {
  for (const [place, part] of objectsOf(item['summary']).entries()) {
    const here = { ...at, summary_index: place };
    events.add('response.reasoning_summary_part.added', { ...here, part: { ...part, text: '' } });
    addText(events, 'response.reasoning_summary_text', here, 'text', part['text']);
    events.add('response.reasoning_summary_part.done', { ...here, part });
  }
}

function addPart(events: ResponsesEvents, at: Fields, part: Fields): void {
  const begun: Record<string, unknown> = { ...part };
  for (const name of ['text', 'refusal']) if (name in part) begun[name] = '';
  for (const name of ['annotations', 'logprobs']) if (Array.isArray(part[name])) begun[name] = [];
  events.add('response.content_part.added', { ...at, part: begun });
  addPartText(events, at, part);
  events.add('response.content_part.done', { ...at, part });
}

function addPartText(events: ResponsesEvents, at: Fields, part: Fields): void {
  switch (part['type']) {
    case 'output_text': {
      const logprobs = Array.isArray(part['logprobs']) ? part['logprobs'] : [];
      addText(events, 'response.output_text', { ...at, logprobs }, 'text', part['text']);
      for (const [place, annotation] of objectsOf(part['annotations']).entries()) {
        events.add('response.output_text.annotation.added', { ...at, annotation_index: place, annotation });
      }
      return;
    }
    case 'refusal':
      addText(events, 'response.refusal', at, 'refusal', part['refusal']);
      return;
    case 'reasoning_text':
      addText(events, 'response.reasoning_text', at, 'text', part['text']);
      return;
    default:
  }
}

function addText(events: ResponsesEvents, type: string, at: Fields, name: string, value: unknown): void {
  const text = wordOf(value) ?? '';
  if (text !== '') events.add(`${type}.delta`, { ...at, delta: text });
  events.add(`${type}.done`, { ...at, [name]: text });
}
