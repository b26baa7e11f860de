import { LongPiece } from './long-piece.ts';
import { PairMerger, SMALL_BYTES } from './pair-merger.ts';
import { CACHED_BYTES, PieceCache } from './piece-cache.ts';
import { Seams } from './seams.ts';
import type { Utf8Text } from './utf8-text.ts';
import { pieceHash } from './vocabulary-layout.ts';
import type { Vocabulary } from './vocabulary.ts';
import { isShort, WholeTokens } from './whole-tokens.ts';
import { WindowMerger } from './window-merger.ts';

/** No token is longer, in either vocabulary (the longest has 128). */
const MAX_TOKEN_BYTES = 256;

/** Counts and makes the tokens of pieces. @internal */
export class PieceCounter {
  readonly seams: Seams;
  readonly windows: WindowMerger;
  readonly #whole: WholeTokens;
  readonly #merger: PairMerger;
  readonly #cache: PieceCache = new PieceCache();

  constructor(vocabulary: Vocabulary) {
    this.#whole = new WholeTokens(vocabulary);
    this.seams = new Seams(vocabulary);
    this.#merger = new PairMerger(vocabulary);
    this.windows = new WindowMerger(this.#merger);
  }

  /** The number of tokens of a piece. */
  count(text: Utf8Text, start: number, end: number): number {
    if (isShort(text, start, end) && this.#whole.hasShort(text, start, end)) return 1;
    if (end - start > CACHED_BYTES)
      return this.isToken(text, start, end) ? 1 : this.#countBetweenSeams(text, start, end);
    const hash = pieceHash(text.view, start, end);
    const known = this.#cache.get(hash, text.view, start, end);
    if (known > 0) return known;
    const count = this.#isLongToken(hash, text, start, end) ? 1 : this.#countBetweenSeams(text, start, end);
    this.#cache.set(hash, text.view, start, end, count);
    return count;
  }

  /** The number of tokens of what is between two seams of a piece. */
  countPart(text: Utf8Text, start: number, end: number): number {
    if (isShort(text, start, end) && this.#whole.hasShort(text, start, end)) return 1;
    if (end - start > CACHED_BYTES) return this.isToken(text, start, end) ? 1 : this.#countMerged(text, start, end);
    const hash = pieceHash(text.view, start, end);
    const known = this.#cache.get(hash, text.view, start, end);
    if (known > 0) return known;
    const count = this.#isLongToken(hash, text, start, end) ? 1 : this.#countMerged(text, start, end);
    this.#cache.set(hash, text.view, start, end, count);
    return count;
  }

  /** Whether a piece is a token as it is. */
  isToken(text: Utf8Text, start: number, end: number): boolean {
    return end - start <= MAX_TOKEN_BYTES && this.#whole.idOf(text, start, end) >= 0;
  }

  /** Appends the tokens of a piece. */
  encode(text: Utf8Text, start: number, end: number, ids: number[]): void {
    const id = end - start > MAX_TOKEN_BYTES ? -1 : this.#whole.idOf(text, start, end);
    if (id >= 0) ids.push(id);
    else if (end - start <= SMALL_BYTES) {
      const count = this.#merger.mergeSmall(text.bytes, start, end);
      for (let at = 0; at < count; at += 1) ids.push(this.#merger.ids[at]!);
    } else {
      const long = new LongPiece(this.windows, { bytes: text.bytes, start, end }, ids);
      while (long.step());
    }
  }

  /** For pieces that are no short tokens. */
  #isLongToken(hash: number, text: Utf8Text, start: number, end: number): boolean {
    return !isShort(text, start, end) && this.#whole.longId(hash, text, start, end) >= 0;
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
