import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenEncoding, Tokenizer } from '../ports/tokenizer.ts';
import { CharacterClasses } from './character-classes.ts';
import { LongPiece, WINDOW_BYTES } from './long-piece.ts';
import { PairMerger, SMALL_BYTES } from './pair-merger.ts';
import { CACHED_BYTES, PieceCache } from './piece-cache.ts';
import { Cl100kSplitter, O200kSplitter, type PieceSplitter } from './piece-splitter.ts';
import { Seams } from './seams.ts';
import { Utf8Text } from './utf8-text.ts';
import type { Vocabulary } from './vocabulary.ts';
import { WholeTokens } from './whole-tokens.ts';
import { WindowMerger } from './window-merger.ts';

/** Bytes between two turns of the event loop: some 2 ms of ordinary text, 10 ms of the slowest. */
const TURN_BYTES = 65_536;
/** Texts up to this length, in UTF-16 units, are read in one place that is kept. */
const SCRATCH_UNITS = 65_536;

/** Byte-pair encoding as `tiktoken` has it: a text is split into pieces, and a piece that is no token is merged from its bytes. @internal */
export class BytePairTokenizer implements Tokenizer {
  readonly encoding: TokenEncoding;
  readonly #splitter: PieceSplitter;
  readonly #whole: WholeTokens;
  readonly #seams: Seams;
  readonly #merger: PairMerger;
  readonly #windows: WindowMerger;
  readonly #cache: PieceCache = new PieceCache();
  readonly #scratch: Utf8Text = new Utf8Text(SCRATCH_UNITS);

  constructor(vocabulary: Vocabulary) {
    const classes = new CharacterClasses(vocabulary);
    this.encoding = vocabulary.encoding;
    this.#splitter = vocabulary.encoding === 'o200k_base' ? new O200kSplitter(classes) : new Cl100kSplitter(classes);
    this.#whole = new WholeTokens(vocabulary);
    this.#seams = new Seams(vocabulary);
    this.#merger = new PairMerger(vocabulary);
    this.#windows = new WindowMerger(this.#merger);
  }

  encode(string: string): number[] {
    const text = this.#textOf(string);
    const { bytes, end } = text;
    const ids: number[] = [];
    for (let at = 0; at < end;) {
      const pieceEnd = this.#splitter.pieceEnd(bytes, at, end);
      this.#encodePiece(text, at, pieceEnd, ids);
      at = pieceEnd;
    }
    return ids;
  }

  count(string: string): number {
    const text = this.#textOf(string);
    const { bytes, end } = text;
    let count = 0;
    for (let at = 0; at < end;) {
      const pieceEnd = this.#splitter.pieceEnd(bytes, at, end);
      count += this.#whole.has(text, at, pieceEnd) ? 1 : this.#countParts(text, at, pieceEnd);
      at = pieceEnd;
    }
    return count;
  }

  async countInTurns(string: string, signal?: AbortSignal): Promise<number> {
    signal?.throwIfAborted();
    const text = new Utf8Text(string.length).set(string);
    const turns = new Turns(signal);
    let count = 0;
    for (let at = 0; at < text.end;) {
      const pieceEnd = this.#splitter.pieceEnd(text.bytes, at, text.end);
      if (pieceEnd - at > SMALL_BYTES) count += await this.#countInParts(text, at, pieceEnd, turns);
      else count += this.#whole.has(text, at, pieceEnd) ? 1 : this.#countParts(text, at, pieceEnd);
      const turn = turns.after(pieceEnd - at);
      if (turn !== undefined) await turn;
      at = pieceEnd;
    }
    return count;
  }

  async #countInParts(text: Utf8Text, start: number, end: number, turns: Turns): Promise<number> {
    if (this.#whole.has(text, start, end)) return 1;
    let count = 0;
    for (let at = start; at < end;) {
      const partEnd = this.#seams.next(text.bytes, at, end);
      if (partEnd - at <= SMALL_BYTES) count += this.#countPart(text, at, partEnd);
      else {
        const long = new LongPiece(this.#merger, this.#windows, text.bytes, at, partEnd);
        while (long.step()) await turns.after(WINDOW_BYTES);
        count += long.count;
      }
      const turn = turns.after(partEnd - at);
      if (turn !== undefined) await turn;
      at = partEnd;
    }
    return count;
  }

  #textOf(string: string): Utf8Text {
    return (string.length <= SCRATCH_UNITS ? this.#scratch : new Utf8Text(string.length)).set(string);
  }

  /** Counts a piece that is no token: what is between its seams. */
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
    let partEnd = this.#seams.next(text.bytes, start, end);
    if (partEnd === end) return this.#countMerged(text, start, end);
    let count = 0;
    for (let at = start; at < end; at = partEnd) {
      partEnd = this.#seams.next(text.bytes, at, end);
      count += this.#countPart(text, at, partEnd);
    }
    return count;
  }

  #countPart(text: Utf8Text, start: number, end: number): number {
    return this.#whole.has(text, start, end) ? 1 : this.#countMerged(text, start, end);
  }

  #countMerged({ bytes }: Utf8Text, start: number, end: number): number {
    if (end - start <= SMALL_BYTES) return this.#merger.mergeSmall(bytes, start, end);
    const long = new LongPiece(this.#merger, this.#windows, bytes, start, end);
    while (long.step());
    return long.count;
  }

  #encodePiece(text: Utf8Text, start: number, end: number, ids: number[]): void {
    const id = this.#whole.idOf(text, start, end);
    if (id >= 0) ids.push(id);
    else if (end - start <= SMALL_BYTES) {
      const count = this.#merger.mergeSmall(text.bytes, start, end);
      for (let at = 0; at < count; at += 1) ids.push(this.#merger.ids[at]!);
    } else {
      const long = new LongPiece(this.#merger, this.#windows, text.bytes, start, end, ids);
      while (long.step());
    }
  }
}

/** Gives the event loop a turn after so many bytes. */
class Turns {
  readonly #signal: AbortSignal | undefined;
  #bytes = 0;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** To be waited for after the counting of so many bytes; undefined when no turn is due. */
  after(bytes: number): Promise<void> | undefined {
    this.#bytes += bytes;
    if (this.#bytes < TURN_BYTES) return undefined;
    this.#bytes = 0;
    return this.#turn();
  }

  async #turn(): Promise<void> {
    await nextTurn();
    this.#signal?.throwIfAborted();
  }
}
