import { wordAt } from './word-at.ts';

const SLOTS = 8192;
/** Words of a slot: the bytes of a piece, filled with zeros. */
const SLOT_WORDS = 8;

/** Longest piece that is kept, in bytes. Longer ones seldom come again. @internal */
export const CACHED_BYTES = SLOT_WORDS * 4;

/** Counts of pieces that had to be merged. Of pieces that share a slot the last one is kept; 290 KB, whatever is counted. @internal */
export class PieceCache {
  readonly #words: Int32Array = new Int32Array(SLOTS * SLOT_WORDS);
  /** For each slot the length of its piece, shifted by 8, and its count; 0 where it has none. */
  readonly #counts: Int32Array = new Int32Array(SLOTS);
  #slot = 0;

  /** The count of a piece of at most `CACHED_BYTES`, or 0. */
  get(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const slot = slotOf(bytes, start, end);
    this.#slot = slot;
    const found = this.#counts[slot]!;
    if (found >> 8 !== length) return 0;
    const words = this.#words;
    let at = slot * SLOT_WORDS;
    let place = start;
    for (; place + 4 <= end; place += 4) if (words[at++] !== wordAt(bytes, place)) return 0;
    return place === end || words[at] === lastWord(bytes, place, end) ? found & 0xff : 0;
  }

  /** Keeps the count of the piece that `get` was asked for last. */
  set(bytes: Uint8Array, start: number, end: number, count: number): void {
    let at = this.#slot * SLOT_WORDS;
    let place = start;
    for (; place + 4 <= end; place += 4) this.#words[at++] = wordAt(bytes, place);
    if (place < end) this.#words[at] = lastWord(bytes, place, end);
    this.#counts[this.#slot] = ((end - start) << 8) | count;
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let place = start;
  for (; place + 4 <= end; place += 4) hash = Math.imul(hash ^ wordAt(bytes, place), 0x9e_37_79_b1) ^ (hash >>> 15);
  if (place < end) hash = Math.imul(hash ^ lastWord(bytes, place, end), 0x9e_37_79_b1);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

/** Up to three bytes. */
function lastWord(bytes: Uint8Array, at: number, end: number): number {
  return wordAt(bytes, at) & ((1 << ((end - at) * 8)) - 1);
}
