import { FarthingError } from '../../core/errors.ts';
import type { JsonRange } from './json-ranges.ts';

/** In what order splices stand that begin at one offset: what is added in front of a value, the value, what is added behind it, what follows. @internal */
export const SPLICE_ORDER = { before: 0, opening: 1, value: 2, closing: 3, behind: 4, cut: 5 } as const;

/** One change of a text. @internal */
export interface TextSplice extends JsonRange {
  readonly text: string;
  readonly order: number;
}

/**
 * Applies splices, all at once.
 * @throws FarthingError `internal` where two of them change the same characters.
 * @internal
 */
export function splicedText(text: string, splices: readonly TextSplice[]): string {
  const sorted = splices.toSorted((left, right) => left.start - right.start || left.order - right.order);
  let result = '';
  let from = 0;
  for (const splice of sorted) {
    if (splice.start < from) throw new FarthingError('internal', 'two edits change the same part of a request');
    result += text.slice(from, splice.start) + splice.text;
    from = splice.end;
  }
  return result + text.slice(from);
}
