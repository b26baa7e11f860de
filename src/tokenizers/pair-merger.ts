import { firstPairWord, pairHash, RIGHT_LOW_BITS } from './vocabulary-layout.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What `mergedId` gives for two tokens that do not merge: above any id. @internal */
export const NO_MERGE = 0x7f_ff_ff_ff;

/** Up to this length, in bytes, looking through all pairs for the lowest is quicker than a heap. @internal */
export const SMALL_BYTES = 512;

/** Joins the bytes of a piece to tokens: of all neighbours that are a token together, always first those of the lowest id, the leftmost of equals. @internal */
export class PairMerger {
  readonly #pairs: Int32Array;
  readonly #mask: number;
  readonly #byteIds: Int32Array;
  /** The tokens of the piece that was merged last, and the places where they end. */
  ids: Int32Array = new Int32Array(SMALL_BYTES);
  ends: Int32Array = new Int32Array(SMALL_BYTES);
  #merged: Int32Array = new Int32Array(SMALL_BYTES);

  constructor(vocabulary: Vocabulary) {
    this.#pairs = vocabulary.pairs;
    this.#mask = vocabulary.pairs.length / 2 - 1;
    this.#byteIds = vocabulary.byteIds;
  }

  /** The token that two tokens become, or `NO_MERGE`. */
  mergedId(left: number, right: number): number {
    const pairs = this.#pairs;
    const first = firstPairWord(left, right);
    const high = right >>> RIGHT_LOW_BITS;
    for (let slot = pairHash(left, right) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const second = pairs[slot * 2 + 1]!;
      if (second < 0) return NO_MERGE;
      if (pairs[slot * 2] === first && (second & 15) === high) return second >>> 4;
    }
  }

  /** Merges a piece of at most `SMALL_BYTES`; gives the number of tokens, which are then in `ids` and `ends`. */
  mergeSmall(bytes: Uint8Array, start: number, end: number): number {
    const { ids, ends } = this;
    const merged = this.#merged;
    let count = end - start;
    for (let at = 0; at < count; at += 1) {
      ids[at] = this.#byteIds[bytes[start + at]!]!;
      ends[at] = start + at + 1;
    }
    for (let at = 0; at + 1 < count; at += 1) merged[at] = this.mergedId(ids[at]!, ids[at + 1]!);
    while (count > 1) {
      let best = NO_MERGE;
      let place = 0;
      for (let at = 0; at + 1 < count; at += 1) {
        const id = merged[at]!;
        if (id < best) {
          best = id;
          place = at;
        }
      }
      if (best === NO_MERGE) break;
      count -= 1;
      ids[place] = best;
      for (let at = place + 1; at < count; at += 1) ids[at] = ids[at + 1]!;
      for (let at = place; at < count; at += 1) ends[at] = ends[at + 1]!;
      for (let at = place + 1; at + 1 < count; at += 1) merged[at] = merged[at + 1]!;
      if (place > 0) merged[place - 1] = this.mergedId(ids[place - 1]!, best);
      if (place + 1 < count) merged[place] = this.mergedId(best, ids[place + 1]!);
    }
    return count;
  }

  /** The tokens of single bytes. */
  byteIdsOf(bytes: Uint8Array, start: number, end: number): Int32Array {
    return Int32Array.from(bytes.subarray(start, end), (byte) => this.#byteIds[byte]!);
  }
}
