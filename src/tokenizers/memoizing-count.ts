import { hash } from 'node:crypto';
import { GenerationalMap } from '../core/generational-map.ts';
import type { CountTokens } from '../core/tokens/count-tokens.ts';

/** Settings of `memoizingCount`. @public */
export interface MemoizingCountOptions {
  /**
   * What the memo may take, in bytes. Each text takes some 180 of them, however long it is.
   * @defaultValue 4_000_000 (between 11,000 and 22,000 texts)
   */
  readonly maxBytes?: number;
  /**
   * Length from which a text is remembered, in UTF-16 units. Counting a shorter one takes no longer than looking it up.
   * @defaultValue 200
   */
  readonly minUnits?: number;
}

/** @internal */
export const DEFAULT_MEMO_BYTES = 4_000_000;
const DEFAULT_MIN_UNITS = 200;
/** A digest of 32 characters, a number, and what a `Map` needs for both; measured. */
const ENTRY_BYTES = 180;

/**
 * Counts a text that comes again without reading it token by token: an agent sends the same messages in each of its turns. What is kept is a digest of
 * the text (SHA-256), never the text.
 * @public
 */
export function memoizingCount(count: CountTokens, options: MemoizingCountOptions = {}): CountTokens {
  const { maxBytes = DEFAULT_MEMO_BYTES, minUnits = DEFAULT_MIN_UNITS } = options;
  const counts = new GenerationalMap<string, number>(maxBytes / ENTRY_BYTES);
  return (text) => {
    if (text.length < minUnits) return count(text);
    const key = hash('sha256', text, 'binary');
    const known = counts.get(key);
    if (known !== undefined) return known;
    const counted = count(text);
    counts.set(key, counted);
    return counted;
  };
}
