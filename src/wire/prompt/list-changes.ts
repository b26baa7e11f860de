import { FarthingError } from '../../core/errors.ts';
import type { JsonRange } from './json-ranges.ts';
import { SPLICE_ORDER, type TextSplice } from './text-splices.ts';

/**
 * Cuts entries out of a list in a text (elements of an array, members of an object), each with one comma and the space around that.
 * @param entries - all of them, in order.
 * @internal
 */
export function entryCuts(entries: readonly JsonRange[], isGone: (index: number) => boolean): readonly TextSplice[] {
  const cuts: TextSplice[] = [];
  let hasStaying = false;
  for (const [index, entry] of entries.entries()) {
    const before = entries[index - 1];
    if (!isGone(index)) hasStaying = true;
    else if (hasStaying && before !== undefined) cuts.push(cut(before.end, entry.end));
    else cuts.push(cut(entry.start, entries[index + 1]?.start ?? entry.end));
  }
  return cuts;
}

function cut(start: number, end: number): TextSplice {
  return { start, end, text: '', order: SPLICE_ORDER.cut };
}

/**
 * Holds that nothing is changed in what goes: an edit there would be lost.
 * @param changed - The values that other edits change, or stand beside.
 * @internal
 */
export function checkNothingLost(gone: readonly JsonRange[], changed: readonly JsonRange[]): void {
  const sortedGone = gone.toSorted((left, right) => left.start - right.start);
  const sortedChanged = changed.toSorted((left, right) => left.start - right.start);
  let index = 0;
  for (const range of sortedGone) {
    while ((sortedChanged[index]?.start ?? Infinity) < range.start) index += 1;
    if ((sortedChanged[index]?.start ?? Infinity) < range.end) {
      throw new FarthingError('internal', 'an edit changes a part of a request that another edit takes out');
    }
  }
}
