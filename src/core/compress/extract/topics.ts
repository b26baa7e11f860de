import type { ReadText, WordRange } from './read-text.ts';
import { isCapital, isNumeric, termOf } from './vocabulary.ts';

/** A name that a paragraph begins with and that stands in for its title has at least two words, and at most five. */
const MIN_NAME_WORDS = 2;
const MAX_NAME_WORDS = 5;

/** The words that say what a paragraph is about. The same object for all units that share it. */
export interface Topic extends WordRange {
  /** Whether they are only the beginning of the paragraph, since it has no title. */
  readonly isInferred: boolean;
}

/** For each unit what it is about: its title, else the name that its paragraph begins with, if it does. */
export function topicsOf(read: ReadText): readonly (Topic | undefined)[] {
  const titles = new Map<number, Topic>();
  let section = -1;
  let inferred: Topic | undefined;
  return read.units.map((unit, index) => {
    if (unit.title >= 0) {
      const known = titles.get(unit.title);
      if (known !== undefined) return known;
      const topic = { ...(read.wordsOfFrame[unit.title] as WordRange), isInferred: false };
      titles.set(unit.title, topic);
      return topic;
    }
    if (unit.section !== section) {
      section = unit.section;
      inferred = unit.place === 0 ? leadingName(read, read.wordsOfUnit[index] as WordRange) : undefined;
    }
    return inferred;
  });
}

function leadingName(read: ReadText, { from, to }: WordRange): Topic | undefined {
  const { words, isStop } = read;
  let named = 0;
  let end = from;
  while (end < to && named < MAX_NAME_WORDS) {
    const word = words[end] as number;
    const isFiller = isStop[termOf(word)] === 1;
    if (isFiller && named > 0 && !(end + 1 < to && isCapital(words[end + 1] as number))) break;
    if (!isFiller && !isCapital(word) && !isNumeric(word)) break;
    if (!isFiller) named += 1;
    end += 1;
  }
  return named < MIN_NAME_WORDS ? undefined : { from, to: end, isInferred: true };
}
