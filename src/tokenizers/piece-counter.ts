import { LongPiece } from './long-piece.ts';
import { PairMerger, SMALL_BYTES } from './pair-merger.ts';
import { CACHED_BYTES, PieceCache } from './piece-cache.ts';
import { Seams } from './seams.ts';
import type { Utf8Text } from './utf8-text.ts';
import type { Vocabulary } from './vocabulary.ts';
import { WholeTokens } from './whole-tokens.ts';
import { WindowMerger } from './window-merger.ts';

/** Counts and makes the tokens of pieces. @internal */
export class PieceCounter {
  readonly whole: WholeTokens;
  readonly seams: Seams;
  readonly windows: WindowMerger;
  readonly #merger: PairMerger;
  readonly #cache: PieceCache = new PieceCache();

  constructor(vocabulary: Vocabulary) {
    this.whole = new WholeTokens(vocabulary);
    this.seams = new Seams(vocabulary);
    this.#merger = new PairMerger(vocabulary);
    this.windows = new WindowMerger(this.#merger);
  }

  /** The number of tokens of a piece. */
  count(text: Utf8Text, start: number, end: number): number {
    return this.whole.has(text, start, end) ? 1 : this.#countParts(text, start, end);
  }

  /** The number of tokens of what is between two seams of a piece. */
  countPart(text: Utf8Text, start: number, end: number): number {
    if (this.whole.has(text, start, end)) return 1;
    if (end - start > CACHED_BYTES) return this.#countMerged(text, start, end);
    const cache = this.#cache;
    const slot = cache.slotOf(text.view, start, end);
    const known = cache.get(slot, text.view, start, end);
    if (known > 0) return known;
    const count = this.#countMerged(text, start, end);
    cache.set(slot, text.view, start, end, count);
    return count;
  }

  /** Appends the tokens of a piece. */
  encode(text: Utf8Text, start: number, end: number, ids: number[]): void {
    const id = this.whole.idOf(text, start, end);
    if (id >= 0) ids.push(id);
    else if (end - start <= SMALL_BYTES) {
      const count = this.#merger.mergeSmall(text.bytes, start, end);
      for (let at = 0; at < count; at += 1) ids.push(this.#merger.ids[at]!);
    } else {
      const long = new LongPiece(this.windows, { bytes: text.bytes, start, end }, ids);
      while (long.step());
    }
  }

  /** As `count`, for what is no token. */
  #countParts(text: Utf8Text, start: number, end: number): number {
    if (end - start > CACHED_BYTES) return this.#countBetweenSeams(text, start, end);
    const cache = this.#cache;
    const slot = cache.slotOf(text.view, start, end);
    const known = cache.get(slot, text.view, start, end);
    if (known > 0) return known;
    const count = this.#countBetweenSeams(text, start, end);
    cache.set(slot, text.view, start, end, count);
    return count;
  }

  #countBetweenSeams(text: Utf8Text, start: number, end: number): number {
    const { seams } = this;
    let partEnd = seams.next(text.bytes, start, end);
    if (partEnd === end) return this.#countMerged(text, start, end);
    let count = this.countPart(text, start, partEnd);
    for (let at = partEnd; at < end; at = partEnd) {
      partEnd = seams.next(text.bytes, at, end);
      count += this.countPart(text, at, partEnd);
    }
    return count;
  }

  #countMerged({ bytes }: Utf8Text, start: number, end: number): number {
    if (end - start <= SMALL_BYTES) return this.#merger.mergeSmall(bytes, start, end);
    const long = new LongPiece(this.windows, { bytes, start, end });
    while (long.step());
    return long.count;
  }
}
