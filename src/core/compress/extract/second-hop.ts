import type { ExtractionWeights } from './extraction-weights.ts';
import type { QuestionTerms } from './question-terms.ts';
import type { ReadText, WordRange } from './read-text.ts';
import { type Topic, topicsOf } from './topics.ts';
import { isCapital, isNumeric, termOf } from './vocabulary.ts';

/** A sentence is wholly about what a seed names if it has so many of the seed's rarest words. */
const ENTITY_WORDS = 3;

/**
 * What the best sentences add to others that the question does not lead to by itself: "What is the capital of the country where X was born?" finds the
 * sentence on X's birth, whose country leads to the second one. A sentence gains by what it shares with a better one beyond the question, weighed by
 * rarity, and by standing under a title that a better one names.
 * @returns the scores with what was added; the order of units is kept
 */
export function withSecondHop(
  read: ReadText,
  asked: QuestionTerms,
  scores: Float64Array,
  weights: ExtractionWeights,
): Float64Array {
  if (read.units.length < 2) return scores;
  const hop = new SecondHop(read, asked, weights);
  for (const seed of bestUnits(scores, weights.seeds)) hop.addFrom(seed, scores[seed] as number);
  return scores.map((score, unit) => score + hop.gainOf(unit));
}

/** The best few, without sorting all. */
function bestUnits(scores: Float64Array, count: number): readonly number[] {
  const best: number[] = [];
  scores.forEach((score, unit) => {
    if (score <= 0 || (best.length === count && score <= (scores[best[count - 1] as number] as number))) return;
    const place = best.findIndex((other) => (scores[other] as number) < score);
    best.splice(place < 0 ? best.length : place, 0, unit);
    if (best.length > count) best.pop();
  });
  return best;
}

class SecondHop {
  readonly #read: ReadText;
  readonly #asked: QuestionTerms;
  readonly #weights: ExtractionWeights;
  readonly #rarity: Float64Array;
  readonly #topics: readonly (Topic | undefined)[];
  readonly #shared: Float64Array;
  readonly #linked: Float64Array;
  /** What the seed's terms weigh, and which seed looked at a term last. */
  readonly #entityWeights: Float64Array;
  readonly #inSeed: Int32Array;
  readonly #counted: Int32Array;
  #round = 0;

  constructor(read: ReadText, asked: QuestionTerms, weights: ExtractionWeights) {
    this.#read = read;
    this.#asked = asked;
    this.#weights = weights;
    const size = read.terms.length;
    this.#counted = new Int32Array(size).fill(-1);
    this.#rarity = this.#rarityOfTerms();
    this.#counted.fill(-1);
    this.#topics = topicsOf(read);
    this.#shared = new Float64Array(read.units.length);
    this.#linked = new Float64Array(read.units.length);
    this.#entityWeights = new Float64Array(size);
    this.#inSeed = new Int32Array(size).fill(-1);
  }

  gainOf(unit: number): number {
    return this.#weights.hop * (this.#shared[unit] as number) + this.#weights.link * (this.#linked[unit] as number);
  }

  /** Lets the other units gain by what they have of one of the best. */
  addFrom(seed: number, strength: number): void {
    this.#round += 1;
    const entities = this.#readSeed(seed);
    const rarest = entities.map((term) => this.#entityWeights[term] as number).toSorted((left, right) => right - left);
    const whole = rarest.slice(0, ENTITY_WORDS).reduce((sum, weight) => sum + weight, 0);
    const norm = Math.max(whole, Math.log(1 + (this.#read.units.length - 0.5) / 1.5));
    const linkOfTopic = new Map<Topic, number>();
    for (let unit = 0; unit < this.#read.units.length; unit += 1) {
      if (unit === seed) continue;
      const shared = strength * Math.min(1, this.#sharedWith(unit, seed) / norm);
      this.#shared[unit] = Math.max(this.#shared[unit] as number, shared);
      const linked = strength * this.#linkTo(unit, seed, linkOfTopic);
      this.#linked[unit] = Math.max(this.#linked[unit] as number, linked);
    }
    for (const term of entities) this.#entityWeights[term] = 0;
  }

  /** Notes the seed's terms; gives those that are not the question's. */
  #readSeed(seed: number): readonly number[] {
    const { words, isStop, wordsOfUnit, wordsOfFrame, units } = this.#read;
    const title = wordsOfFrame[units[seed]?.title ?? -1];
    for (let index = title?.from ?? 0; index < (title?.to ?? 0); index += 1)
      this.#inSeed[termOf(words[index] as number)] = this.#round;
    const { from, to } = wordsOfUnit[seed] as WordRange;
    const entities: number[] = [];
    for (let index = from; index < to; index += 1) {
      const word = words[index] as number;
      const term = termOf(word);
      this.#inSeed[term] = this.#round;
      if (isStop[term] === 1 || this.#asked.questionTermOf[term] !== -1) continue;
      const share = isCapital(word) || isNumeric(word) ? 1 : this.#weights.hopPlainWord;
      const weight = share * (this.#rarity[term] as number);
      if (this.#entityWeights[term] === 0) entities.push(term);
      this.#entityWeights[term] = Math.max(this.#entityWeights[term] as number, weight);
    }
    return entities;
  }

  /** The weight of the seed's terms that a unit has, itself or in another title than the seed's. */
  #sharedWith(unit: number, seed: number): number {
    const { units, wordsOfUnit, wordsOfFrame } = this.#read;
    const title = units[unit]?.title ?? -1;
    const stamp = this.#round * this.#read.units.length + unit;
    const own = this.#sumOf(wordsOfUnit[unit] as WordRange, stamp);
    if (title < 0 || title === units[seed]?.title) return own;
    return own + this.#sumOf(wordsOfFrame[title] as WordRange, stamp);
  }

  #sumOf({ from, to }: WordRange, stamp: number): number {
    const { words } = this.#read;
    let sum = 0;
    for (let index = from; index < to; index += 1) {
      const term = termOf(words[index] as number);
      const weight = this.#entityWeights[term] as number;
      if (weight === 0 || this.#counted[term] === stamp) continue;
      this.#counted[term] = stamp;
      sum += weight;
    }
    return sum;
  }

  /** How surely the seed names what the unit's paragraph is about: the square of the share of its words, if one of them is new. */
  #linkTo(unit: number, seed: number, known: Map<Topic, number>): number {
    const topic = this.#topics[unit];
    if (topic === undefined || topic === this.#topics[seed]) return 0;
    let link = known.get(topic);
    if (link === undefined) {
      link = this.#cover(topic);
      known.set(topic, link);
    }
    const share = topic.isInferred ? this.#weights.inferredTitle : 1;
    return link * share * (this.#read.units[unit]?.place === 0 ? 1 : this.#weights.linkRest);
  }

  #cover({ from, to }: Topic): number {
    const { words, isStop } = this.#read;
    let telling = 0;
    let named = 0;
    let isNew = false;
    for (let index = from; index < to; index += 1) {
      const term = termOf(words[index] as number);
      if (isStop[term] === 1) continue;
      telling += 1;
      if (this.#inSeed[term] === this.#round) named += 1;
      if ((this.#entityWeights[term] as number) > 0) isNew = true;
    }
    return isNew ? (named / telling) ** 2 : 0;
  }

  /** How much each term tells: the fewer units have it, the more. */
  #rarityOfTerms(): Float64Array {
    const { words, wordsOfUnit, wordsOfFrame, units, terms } = this.#read;
    const holders = new Int32Array(terms.length);
    units.forEach(({ title }, unit) => {
      for (const range of [wordsOfUnit[unit], wordsOfFrame[title]])
        for (let index = range?.from ?? 0; index < (range?.to ?? 0); index += 1) {
          const term = termOf(words[index] as number);
          if (this.#counted[term] === unit) continue;
          this.#counted[term] = unit;
          holders[term] = (holders[term] as number) + 1;
        }
    });
    return Float64Array.from(holders, (held) => Math.log(1 + (units.length - held + 0.5) / (held + 0.5)));
  }
}
