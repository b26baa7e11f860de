import { firstPairWord, NO_MERGE, PAIR_BITS, pairHash, RIGHT_LOW_BITS } from './vocabulary-layout.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Up to this length, in bytes, looking through all pairs for the lowest is quicker than keeping them in order. @internal */
export const SMALL_BYTES = 80;

/** Room for two tokens of the greatest length, which are merged together where windows of a long piece meet. */
const MAX_BYTES = 512;

/** Joins the bytes of a piece to tokens: of all neighbours that are a token together, always first those of the lowest id, the leftmost of equals. @internal */
export class PairMerger {
  /** The token of each single byte. */
  readonly byteIds: Int32Array;
  /** The token that two bytes become, or `NO_MERGE`, at 256 times the first and the second. */
  readonly bytePairs: Int32Array;
  /** The tokens of the piece that was merged last, from its start on. */
  readonly ids: Int32Array = new Int32Array(MAX_BYTES);
  readonly #merged: Int32Array = new Int32Array(MAX_BYTES);
  readonly #pairs: Int32Array;
  readonly #mask: number;
  readonly #bits: Int32Array;

  constructor(vocabulary: Vocabulary) {
    this.byteIds = vocabulary.byteIds;
    this.bytePairs = vocabulary.bytePairs;
    this.#pairs = vocabulary.pairs;
    this.#mask = vocabulary.pairs.length / 2 - 1;
    this.#bits = vocabulary.pairBits;
  }

  /** The token that two tokens become, or `NO_MERGE`. */
  mergedId(left: number, right: number): number {
    const hash = pairHash(left, right);
    const bit = hash & (PAIR_BITS - 1);
    if (((this.#bits[bit >> 5]! >>> (bit & 31)) & 1) === 0) return NO_MERGE;
    const pairs = this.#pairs;
    const mask = this.#mask;
    const first = firstPairWord(left, right);
    const high = right >>> RIGHT_LOW_BITS;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const second = pairs[slot * 2 + 1]!;
      if (second < 0) return NO_MERGE;
      if (pairs[slot * 2] === first && (second & 15) === high) return second >>> 4;
    }
  }

  /** Merges at most 512 bytes, in time that grows with their square; gives the number of tokens, which are then in `ids`. */
  mergeSmall(bytes: Uint8Array, start: number, end: number): number {
    const { ids, byteIds, bytePairs } = this;
    const merged = this.#merged;
    let last = end - start - 1;
    let best = NO_MERGE;
    let place = 0;
    let byte = bytes[start]!;
    for (let at = 0; at < last; at += 1) {
      const next = bytes[start + at + 1]!;
      ids[at] = byteIds[byte]!;
      const id = bytePairs[(byte << 8) | next]!;
      merged[at] = id;
      if (id < best) {
        best = id;
        place = at;
      }
      byte = next;
    }
    ids[last] = byteIds[byte]!;
    while (best !== NO_MERGE) {
      ids[place] = best;
      last -= 1;
      if (place > 0) merged[place - 1] = this.mergedId(ids[place - 1]!, best);
      if (place < last) {
        ids[place + 1] = ids[place + 2]!;
        merged[place] = this.mergedId(best, ids[place + 1]!);
      }
      best = this.#closeGap(place, last);
      place = this.#place;
    }
    return last + 1;
  }

  #place = 0;

  /** Moves what is behind a merge one place down; gives the lowest merge that is left, whose place is then in `#place`. */
  #closeGap(gap: number, last: number): number {
    const { ids } = this;
    const merged = this.#merged;
    let best = NO_MERGE;
    let place = 0;
    const kept = gap < last ? gap : last - 1;
    for (let at = 0; at <= kept; at += 1) {
      const id = merged[at]!;
      if (id < best) {
        best = id;
        place = at;
      }
    }
    for (let at = gap + 1; at < last; at += 1) {
      const id = merged[at + 1]!;
      merged[at] = id;
      ids[at + 1] = ids[at + 2]!;
      if (id < best) {
        best = id;
        place = at;
      }
    }
    this.#place = place;
    return best;
  }
}
