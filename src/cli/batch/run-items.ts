import type { BatchItem } from '../../client/batch/batch-item.ts';
import { FarthingError } from '../../core/errors.ts';
import { type BatchInput, type InputItem, inputItems } from './input-items.ts';

/** An item as a run takes it. A prompt's id is its line. @internal */
export function batchItem(item: InputItem): BatchItem {
  if (item.kind === 'prompt') return { id: String(item.line), prompt: item.prompt };
  const { customId, endpoint, body } = item;
  // Counting tokens is free and answers nothing; no line asks for it.
  if (endpoint === 'count-tokens') throw new FarthingError('internal', 'an endpoint that no line has');
  return { customId, endpoint, body };
}

/**
 * The items of an input that was checked before, without the lines that were at fault then.
 * @param faultyLines - in their order.
 * @throws FarthingError `configuration` when another line is at fault now.
 * @internal
 */
export async function* checkedItems(input: BatchInput, faultyLines: readonly number[]): AsyncGenerator<BatchItem> {
  let next = 0;
  for await (const item of inputItems(input)) {
    if (item.line === faultyLines[next]) {
      next += 1;
      continue;
    }
    if (item.kind === 'fault') {
      throw new FarthingError('configuration', `${input.path}: line ${item.line} has changed since it was checked`);
    }
    yield batchItem(item);
  }
}
