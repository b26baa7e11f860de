import { lastWord } from './vocabulary-layout.ts';

const SLOTS = 16_384;
/** Words of a slot: the bytes of a piece, filled with zeros. */
const SLOT_WORDS = 16;

/** Longest piece that is kept, in bytes. Longer ones seldom come again. @internal */
export const CACHED_BYTES: number = SLOT_WORDS * 4;

/** Counts of pieces, by their hashes. Of pieces that share a slot the last one is kept; 1.1 MB, whatever is counted. @internal */
export class PieceCache {
  readonly #words: Int32Array = new Int32Array(SLOTS * SLOT_WORDS);
  /** For each slot the length of its piece, shifted by 8, and its count; 0 where it has none. */
  readonly #counts: Int32Array = new Int32Array(SLOTS);

  /** The count of a piece of at most `CACHED_BYTES`, or 0. */
  get(hash: number, view: DataView, start: number, end: number): number {
    const slot = hash & (SLOTS - 1);
    const found = this.#counts[slot]!;
    if (found >> 8 !== end - start) return 0;
    const words = this.#words;
    let at = slot * SLOT_WORDS;
    let place = start;
    for (; place + 4 <= end; place += 4) if (words[at++] !== view.getInt32(place, true)) return 0;
    return place === end || words[at] === lastWord(view, place, end) ? found & 0xff : 0;
  }

  /** Keeps the count of a piece, which is never above its length in bytes. */
  set(hash: number, view: DataView, start: number, end: number, count: number): void {
    const slot = hash & (SLOTS - 1);
    let at = slot * SLOT_WORDS;
    let place = start;
    for (; place + 4 <= end; place += 4) this.#words[at++] = view.getInt32(place, true);
    if (place < end) this.#words[at] = lastWord(view, place, end);
    this.#counts[slot] = ((end - start) << 8) | count;
  }
}
