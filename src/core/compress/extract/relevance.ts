import { asksForNumber } from './asks-for-number.ts';
import type { ExtractionWeights } from './extraction-weights.ts';
import type { QuestionTerms } from './question-terms.ts';
import type { ReadText, WordRange } from './read-text.ts';
import { TermHits } from './term-hits.ts';
import { isNumeric, termOf } from './vocabulary.ts';

/** A pronoun that stands for something in the sentence before. */
const BEGINS_WITH_PRONOUN =
  /^(?:he|she|it|they|his|her|its|their|this|these|that|those|such|er|sie|es|sein|seine|seinen|ihr|ihre|dies|diese|dieser|dieses|als solche|il|elle|ils|elles|cette|ces|este|esta|esto|ella|él|он|она|оно|они|это)(?!\p{L})|^[他她它该这其此]/iu;
const LONGEST_PRONOUN = 14;

/** Terms as a pair are one number; there are never so many. */
const PAIR_BASE = 2 ** 26;

/**
 * What each unit has of the question by itself: BM25 of the sentence with its title and of its paragraph, what its neighbours have, and signs of an
 * answer. Of the scores the best is 1 (all are 0 where nothing is).
 */
export function relevance(read: ReadText, asked: QuestionTerms, weights: ExtractionWeights): Float64Array {
  const { units } = read;
  const own = sentenceHits(read, asked, weights);
  const sections = sectionHits(read, asked);
  const rarity = own.rarity(asked.weights);
  const sentenceScores = own.scores(rarity);
  const sectionScores = sections.scores(sections.rarity(asked.weights));
  const total = rarity.reduce((sum, value) => sum + value, 0) || 1;
  const signs = new AnswerSigns(read, asked, rarity, weights);
  const scores = new Float64Array(units.length);
  for (const [index, unit] of units.entries()) {
    const hasPrevious = units[index - 1]?.section === unit.section;
    const previous = hasPrevious ? (sentenceScores[index - 1] as number) : 0;
    const next = units[index + 1]?.section === unit.section ? (sentenceScores[index + 1] as number) : 0;
    const leansBack =
      previous > 0 && BEGINS_WITH_PRONOUN.test(read.text.slice(unit.start, unit.start + LONGEST_PRONOUN));
    const words =
      (sentenceScores[index] as number) +
      weights.section * (sectionScores[unit.section] as number) +
      (weights.previous + (leansBack ? weights.pronoun : 0)) * previous +
      weights.next * next;
    scores[index] = words / total + (unit.place === 0 ? weights.lead : 0) + signs.of(index, total);
  }
  const best = scores.reduce((most, score) => Math.max(most, score), 0);
  return best > 0 ? scores.map((score) => score / best) : scores;
}

/** A sentence counts with its title, or with some of the sentence that its paragraph begins with. */
function sentenceHits(read: ReadText, asked: QuestionTerms, weights: ExtractionWeights): TermHits {
  const hits = new TermHits(asked.weights.length);
  let lead = -1;
  read.units.forEach((unit, index) => {
    if (unit.place === 0) lead = index;
    hits.count(read, read.wordsOfUnit[index] as WordRange, asked);
    let length = read.unitLengths[index] as number;
    if (unit.title >= 0) {
      hits.count(read, read.wordsOfFrame[unit.title] as WordRange, asked);
      length += read.frameLengths[unit.title] as number;
    } else if (lead >= 0 && lead !== index && read.units[lead]?.section === unit.section)
      hits.count(read, read.wordsOfUnit[lead] as WordRange, asked, weights.inheritedLead);
    hits.end(length);
  });
  return hits;
}

function sectionHits(read: ReadText, asked: QuestionTerms): TermHits {
  const hits = new TermHits(asked.weights.length);
  let length = 0;
  read.units.forEach(({ section, title }, index) => {
    if (read.units[index - 1]?.section !== section) {
      while (hits.size < section) hits.end(0);
      length = title < 0 ? 0 : (read.frameLengths[title] as number);
      if (title >= 0) hits.count(read, read.wordsOfFrame[title] as WordRange, asked);
    }
    hits.count(read, read.wordsOfUnit[index] as WordRange, asked);
    length += read.unitLengths[index] as number;
    if (read.units[index + 1]?.section !== section) hits.end(length);
  });
  return hits;
}

/** What speaks for a sentence beside the words that it shares with the question. */
class AnswerSigns {
  readonly #read: ReadText;
  readonly #asked: QuestionTerms;
  readonly #rarity: Float64Array;
  readonly #weights: ExtractionWeights;
  readonly #questionTerms: ReadonlySet<number>;
  readonly #pairs: ReadonlySet<number>;
  readonly #asksForNumber: boolean;
  readonly #titleCover = new Map<number, number>();

  constructor(read: ReadText, asked: QuestionTerms, rarity: Float64Array, weights: ExtractionWeights) {
    this.#read = read;
    this.#asked = asked;
    this.#rarity = rarity;
    this.#weights = weights;
    const terms = read.questionWords.map(termOf);
    this.#questionTerms = new Set(terms);
    this.#pairs = new Set(terms.slice(1).map((term, index) => (terms[index] as number) * PAIR_BASE + term));
    this.#asksForNumber = asksForNumber(read.question);
  }

  of(unit: number, total: number): number {
    const { words, isStop, wordsOfUnit, units } = this.#read;
    const { from, to } = wordsOfUnit[unit] as WordRange;
    let hasNumber = false;
    let paired = 0;
    let before = -1;
    for (let index = from; index < to; index += 1) {
      const word = words[index] as number;
      const term = termOf(word);
      if (this.#asksForNumber && !hasNumber) hasNumber = isNumeric(word) && !this.#questionTerms.has(term);
      const isPair = before >= 0 && this.#questionTerms.has(term) && this.#pairs.has(before * PAIR_BASE + term);
      if (isPair && !(isStop[before] === 1 && isStop[term] === 1)) paired += this.#worth(before) + this.#worth(term);
      before = term;
    }
    const title = units[unit]?.title ?? -1;
    return (
      (hasNumber ? this.#weights.numberAsked : 0) +
      this.#weights.pairs * Math.min(1, paired / total) +
      (title < 0 ? 0 : this.#weights.titleCover * this.#coverOf(title))
    );
  }

  #worth(term: number): number {
    return this.#rarity[this.#asked.questionTermOf[term] as number] ?? 0;
  }

  /** The share of a title's words that the question has. */
  #coverOf(title: number): number {
    const known = this.#titleCover.get(title);
    if (known !== undefined) return known;
    const { words, isStop, wordsOfFrame } = this.#read;
    const { from, to } = wordsOfFrame[title] as WordRange;
    let telling = 0;
    let covered = 0;
    for (let index = from; index < to; index += 1) {
      const term = termOf(words[index] as number);
      if (isStop[term] === 1) continue;
      telling += 1;
      if ((this.#asked.likeness[term] as number) > 0.9) covered += 1;
    }
    const cover = telling === 0 ? 0 : covered / telling;
    this.#titleCover.set(title, cover);
    return cover;
  }
}
