import { isFilledList, objectOf } from './reply-fields.ts';
import { bodyBytes, type StreamEvent } from './replay-events.ts';
import type { Fields } from './usage-count.ts';

/** The response that a stream ends with. @internal */
export function responsesWhole(events: readonly StreamEvent[]): Uint8Array | undefined {
  const items = new Map<number, Fields>();
  let response: Fields | undefined;
  for (const { type, data } of events) {
    if (type === 'error' || type === 'response.failed') return undefined;
    if (type === 'response.completed' || type === 'response.incomplete') response = objectOf(data?.['response']);
    const item = objectOf(data?.['item']);
    const place = data?.['output_index'];
    if (type === 'response.output_item.done' && item !== undefined && typeof place === 'number') items.set(place, item);
  }
  if (response === undefined) return undefined;
  // Some servers leave the output out of the last event, since it has passed already.
  if (isFilledList(response['output']) || items.size === 0) return bodyBytes(response);
  const output = [...items.entries()].toSorted(([left], [right]) => left - right).map(([, item]) => item);
  return bodyBytes({ ...response, output });
}
