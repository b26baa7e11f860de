import { LongPiece, WINDOW_BYTES } from './long-piece.ts';
import { SMALL_BYTES } from './pair-merger.ts';
import type { PieceCounter } from './piece-counter.ts';
import type { PieceSplitter } from './piece-splitter.ts';
import type { Utf8Text } from './utf8-text.ts';

/** Bytes of a step: some 1 ms of ordinary text, 7 ms of what takes longest. */
const STEP_BYTES = 32_768;

/** Counts the tokens of a text in steps that take some milliseconds each, also within one piece. @internal */
export class SteppedCount {
  readonly #splitter: PieceSplitter;
  readonly #pieces: PieceCounter;
  readonly #text: Utf8Text;
  #at = 0;
  /** End of the long piece in which `#at` is; `#at` itself between two pieces. */
  #pieceEnd = 0;
  /** The long part between two seams that is being merged, and where it ends. */
  #part: LongPiece | undefined;
  #partEnd = 0;
  count = 0;

  constructor(splitter: PieceSplitter, pieces: PieceCounter, text: Utf8Text) {
    this.#splitter = splitter;
    this.#pieces = pieces;
    this.#text = text;
  }

  /** Counts some more; whether there is more to do. */
  step(): boolean {
    for (let left = STEP_BYTES; left > 0;) {
      if (this.#part !== undefined) left -= this.#stepInPart(this.#part);
      else {
        if (this.#at === this.#text.end) return false;
        left -= this.#at < this.#pieceEnd ? this.#stepInPiece() : this.#stepToPiece();
      }
    }
    return this.#part !== undefined || this.#at < this.#text.end;
  }

  /** Counts the next piece unless it is a long one; gives the number of bytes that were dealt with. */
  #stepToPiece(): number {
    const start = this.#at;
    const end = this.#splitter.pieceEnd(this.#text.bytes, start, this.#text.end);
    this.#pieceEnd = end;
    if (end - start > SMALL_BYTES && !this.#pieces.isToken(this.#text, start, end)) return 0;
    this.count += this.#pieces.count(this.#text, start, end);
    this.#at = end;
    return end - start;
  }

  #stepInPiece(): number {
    const start = this.#at;
    const end = this.#pieces.seams.next(this.#text.bytes, start, this.#pieceEnd);
    if (end - start > SMALL_BYTES) {
      this.#part = new LongPiece(this.#pieces.windows, { bytes: this.#text.bytes, start, end });
      this.#partEnd = end;
      return 0;
    }
    this.count += this.#pieces.countPart(this.#text, start, end);
    this.#at = end;
    return end - start;
  }

  #stepInPart(part: LongPiece): number {
    if (!part.step()) {
      this.count += part.count;
      this.#at = this.#partEnd;
      this.#part = undefined;
    }
    return WINDOW_BYTES;
  }
}
