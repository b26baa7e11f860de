import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenEncoding, Tokenizer } from '../ports/tokenizer.ts';
import { CharacterClasses } from './character-classes.ts';
import { PieceCounter } from './piece-counter.ts';
import { Cl100kSplitter, O200kSplitter, type PieceSplitter } from './piece-splitter.ts';
import { SteppedCount } from './stepped-count.ts';
import { Utf8Text } from './utf8-text.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Texts up to this length, in UTF-16 units, are read in one place that is kept. */
const SCRATCH_UNITS = 65_536;

/** Byte-pair encoding as `tiktoken` has it: a text is split into pieces, and a piece that is no token is merged from its bytes. @internal */
export class BytePairTokenizer implements Tokenizer {
  readonly encoding: TokenEncoding;
  readonly #splitter: PieceSplitter;
  readonly #pieces: PieceCounter;
  readonly #scratch: Utf8Text = new Utf8Text(SCRATCH_UNITS);

  constructor(vocabulary: Vocabulary) {
    const classes = new CharacterClasses(vocabulary);
    this.encoding = vocabulary.encoding;
    this.#splitter = vocabulary.encoding === 'o200k_base' ? new O200kSplitter(classes) : new Cl100kSplitter(classes);
    this.#pieces = new PieceCounter(vocabulary);
  }

  encode(string: string): number[] {
    const text = this.#textOf(string);
    const { bytes, end } = text;
    const ids: number[] = [];
    for (let at = 0; at < end;) {
      const pieceEnd = this.#splitter.pieceEnd(bytes, at, end);
      this.#pieces.encode(text, at, pieceEnd, ids);
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
      count += this.#pieces.count(text, at, pieceEnd);
      at = pieceEnd;
    }
    return count;
  }

  async countInTurns(string: string, signal?: AbortSignal): Promise<number> {
    signal?.throwIfAborted();
    const stepped = new SteppedCount(this.#splitter, this.#pieces, new Utf8Text(string.length).set(string));
    while (stepped.step()) {
      await nextTurn(); // oxlint-disable-line no-await-in-loop -- the point of it: steps with room between them
      signal?.throwIfAborted();
    }
    return stepped.count;
  }

  #textOf(string: string): Utf8Text {
    return (string.length <= SCRATCH_UNITS ? this.#scratch : new Utf8Text(string.length)).set(string);
  }
}
