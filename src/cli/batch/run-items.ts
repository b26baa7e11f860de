import type { BatchItem } from '../../client/batch/batch-item.ts';
import { FarthingError } from '../../core/errors.ts';
import { type BatchInput, type InputItem, inputItems } from './input-items.ts';

/** An item as a run takes it. A prompt's id is its line. @internal */
export function batchItem(item: InputItem): BatchItem {
  if (item.kind === 'prompt') return { ...item.own, id: String(item.line), prompt: item.prompt };
  const { customId, endpoint, body } = item;
  // Counting tokens is free and answers nothing; no line asks for it.
  if (endpoint === 'count-tokens') throw new FarthingError('internal', 'an endpoint that no line has');
  return { customId, endpoint, body };
}

/**
 * The items of an input that was checked before, without the lines that were at fault then.
 * @param faultyLines - in their order.
 * @param count - items that were found then.
 * @throws FarthingError `configuration` when another line is at fault now, or there are more or fewer.
 * @internal
 */
export async function* checkedItems(
  input: BatchInput,
  faultyLines: readonly number[],
  count: number,
): AsyncGenerator<BatchItem> {
  let next = 0;
  let found = 0;
  for await (const item of inputItems(input)) {
    if (item.line === faultyLines[next]) {
      next += 1;
      continue;
    }
    if (item.kind === 'fault') {
      throw new FarthingError('configuration', `${input.path}: line ${item.line} has changed since it was checked`);
    }
    found += 1;
    if (found > count) break;
    yield batchItem(item);
  }
  if (found === count) return;
  const change = found > count ? 'has grown' : 'has shrunk';
  throw new FarthingError('configuration', `${input.path} ${change} since it was checked: start the run again`);
}
