import type { QuestionTerms } from './question-terms.ts';
import type { ReadText, WordRange } from './read-text.ts';
import { termOf } from './vocabulary.ts';

/** BM25's saturation of repeated terms and its share of the length norm: the usual values. */
const SATURATION = 1.2;
const LENGTH_SHARE = 0.75;

/** How often each of several texts (sentences, paragraphs) has each term of a question; only what is there takes room. */
export class TermHits {
  readonly #terms: number;
  readonly #from: number[] = [0];
  readonly #columns: number[] = [];
  readonly #counts: number[] = [];
  readonly #lengths: number[] = [];
  readonly #current: Float64Array;

  constructor(terms: number) {
    this.#terms = terms;
    this.#current = new Float64Array(terms);
  }

  get size(): number {
    return this.#lengths.length;
  }

  /** Adds words, each counting so much, to the text that is being written. */
  count(read: ReadText, { from, to }: WordRange, asked: QuestionTerms, share = 1): void {
    for (let index = from; index < to; index += 1) {
      const term = termOf(read.words[index] as number);
      const column = asked.questionTermOf[term] as number;
      if (column >= 0)
        this.#current[column] = (this.#current[column] as number) + share * (asked.likeness[term] as number);
    }
  }

  /** Ends the text that is being written. */
  end(length: number): void {
    for (let column = 0; column < this.#terms; column += 1) {
      const count = this.#current[column] as number;
      if (count === 0) continue;
      this.#columns.push(column);
      this.#counts.push(count);
      this.#current[column] = 0;
    }
    this.#from.push(this.#columns.length);
    this.#lengths.push(length);
  }

  /** How much each term tells here: the fewer texts have it, the more. */
  rarity(weights: Float64Array): Float64Array {
    const holders = new Float64Array(this.#terms);
    this.#columns.forEach((column, index) => {
      holders[column] = (holders[column] as number) + Math.min(1, this.#counts[index] as number);
    });
    return holders.map(
      (held, column) => (weights[column] as number) * Math.log(1 + (this.size - held + 0.5) / (held + 0.5)),
    );
  }

  /** BM25 of each text. */
  scores(rarity: Float64Array): Float64Array {
    const mean = this.#lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, this.size) || 1;
    return Float64Array.from(this.#lengths, (length, row) => {
      const norm = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * length) / mean);
      let score = 0;
      for (let index = this.#from[row] as number; index < (this.#from[row + 1] as number); index += 1) {
        const count = this.#counts[index] as number;
        score += ((rarity[this.#columns[index] as number] as number) * count * (SATURATION + 1)) / (count + norm);
      }
      return score;
    });
  }
}
