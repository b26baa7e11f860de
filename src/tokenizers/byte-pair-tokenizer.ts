import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenEncoding, Tokenizer } from '../ports/tokenizer.ts';
import { CharacterClasses } from './character-classes.ts';
import { LongPiece } from './long-piece.ts';
import { PairMerger, SMALL_BYTES } from './pair-merger.ts';
import { CACHED_BYTES, PieceCache } from './piece-cache.ts';
import { Cl100kSplitter, O200kSplitter, type PieceSplitter } from './piece-splitter.ts';
import type { Vocabulary } from './vocabulary.ts';
import { WholeTokens } from './whole-tokens.ts';
import { WindowMerger } from './window-merger.ts';

/** Bytes between two turns of the event loop. */
const TURN_BYTES = 65_536;
/** Bytes that are read beyond a text's end, so that its last token can be read as words. */
const PADDING_BYTES = 8;
const SCRATCH_BYTES = 65_536;

/** Byte-pair encoding as `tiktoken` has it: a text is split into pieces, and a piece that is no token is merged from its bytes. @internal */
export class BytePairTokenizer implements Tokenizer {
  readonly encoding: TokenEncoding;
  readonly #splitter: PieceSplitter;
  readonly #whole: WholeTokens;
  readonly #merger: PairMerger;
  readonly #windows: WindowMerger;
  readonly #cache = new PieceCache();
  readonly #scratch = Buffer.alloc(SCRATCH_BYTES + PADDING_BYTES);

  constructor(vocabulary: Vocabulary) {
    const classes = new CharacterClasses(vocabulary);
    this.encoding = vocabulary.encoding;
    this.#splitter = vocabulary.encoding === 'o200k_base' ? new O200kSplitter(classes) : new Cl100kSplitter(classes);
    this.#whole = new WholeTokens(vocabulary);
    this.#merger = new PairMerger(vocabulary);
    this.#windows = new WindowMerger(this.#merger);
  }

  encode(text: string): number[] {
    const out: number[] = [];
    this.#run(text, out);
    return out;
  }

  count(text: string): number {
    return this.#run(text, undefined);
  }

  async countInTurns(text: string, signal?: AbortSignal): Promise<number> {
    signal?.throwIfAborted();
    const bytes = this.#bytesOf(text, true);
    const end = bytes.length - PADDING_BYTES;
    let count = 0;
    let turnEnd = TURN_BYTES;
    for (let at = 0; at < end;) {
      const pieceEnd = this.#splitter.pieceEnd(bytes, at, end);
      if (pieceEnd - at <= SMALL_BYTES) count += this.#piece(bytes, at, pieceEnd, undefined);
      else {
        const long = new LongPiece(this.#merger, this.#windows, bytes, at, pieceEnd);
        while (long.step()) {
          await nextTurn();
          signal?.throwIfAborted();
        }
        count += long.count;
      }
      at = pieceEnd;
      if (at >= turnEnd) {
        await nextTurn();
        signal?.throwIfAborted();
        turnEnd = at + TURN_BYTES;
      }
    }
    return count;
  }

  #bytesOf(text: string, isOwn: boolean): Buffer {
    if (!isOwn && text.length * 3 <= SCRATCH_BYTES) return this.#scratch;
    const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text) + PADDING_BYTES);
    bytes.write(text);
    return bytes;
  }

  #run(text: string, out: number[] | undefined): number {
    const bytes = this.#bytesOf(text, false);
    const end = bytes === this.#scratch ? bytes.write(text) : bytes.length - PADDING_BYTES;
    let count = 0;
    for (let at = 0; at < end;) {
      const pieceEnd = this.#splitter.pieceEnd(bytes, at, end);
      count += this.#piece(bytes, at, pieceEnd, out);
      at = pieceEnd;
    }
    return count;
  }

  #piece(bytes: Buffer, start: number, end: number, out: number[] | undefined): number {
    const id = this.#whole.idOf(bytes, start, end);
    if (id >= 0) {
      out?.push(id);
      return 1;
    }
    if (end - start > SMALL_BYTES) {
      const long = new LongPiece(this.#merger, this.#windows, bytes, start, end, out);
      while (long.step());
      return long.count;
    }
    if (out !== undefined) {
      const count = this.#merger.mergeSmall(bytes, start, end);
      for (let at = 0; at < count; at += 1) out.push(this.#merger.ids[at]!);
      return count;
    }
    if (end - start > CACHED_BYTES) return this.#merger.mergeSmall(bytes, start, end);
    const known = this.#cache.get(bytes, start, end);
    if (known > 0) return known;
    const count = this.#merger.mergeSmall(bytes, start, end);
    this.#cache.set(bytes, start, end, count);
    return count;
  }
}
