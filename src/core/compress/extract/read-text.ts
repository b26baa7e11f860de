import { stopTerms } from './stop-words.ts';
import type { TextUnits } from './text-units.ts';
import { termOf, Vocabulary } from './vocabulary.ts';

/** Of a block only so much is read for its words. */
const MAX_BLOCK_CHARACTERS = 20_000;
/** Of a question its first and its last characters. */
const MAX_QUESTION_CHARACTERS = 4000;

/** Words from one place to another in `words`. */
export interface WordRange {
  readonly from: number;
  readonly to: number;
}

/** A text and a question as numbers. */
export interface ReadText extends TextUnits {
  readonly text: string;
  readonly question: string;
  readonly words: readonly number[];
  readonly questionWords: readonly number[];
  readonly wordsOfUnit: readonly WordRange[];
  readonly wordsOfFrame: readonly WordRange[];
  /** The text of each term. */
  readonly terms: readonly string[];
  /** 1 for a term that is a stop word of the text's language. */
  readonly isStop: Uint8Array;
  /** Words of a unit or a frame that are not stop words. */
  readonly unitLengths: Float64Array;
  readonly frameLengths: Float64Array;
}

/** Reads the words of a text's units and of the question. */
export function readText(text: string, question: string, parts: TextUnits): ReadText {
  const vocabulary = new Vocabulary();
  const questionWords: number[] = [];
  const asked = shortened(question);
  vocabulary.read(asked, 0, asked.length, questionWords);
  const words: number[] = [];
  const read = (start: number, end: number): WordRange => {
    const from = words.length;
    vocabulary.read(text, start, Math.min(end, start + MAX_BLOCK_CHARACTERS), words);
    return { from, to: words.length };
  };
  const wordsOfUnit = parts.units.map(({ start, end }) => read(start, end));
  const wordsOfFrame = parts.frames.map(({ start, end }) => read(start, end));
  const { terms } = vocabulary;
  const occurrences = new Int32Array(terms.length);
  for (const word of words) occurrences[termOf(word)] = (occurrences[termOf(word)] as number) + 1;
  const isStop = stopTerms(terms, occurrences);
  const lengthOf = ({ from, to }: WordRange): number => {
    let length = 0;
    for (let index = from; index < to; index += 1) length += 1 - (isStop[termOf(words[index] as number)] as number);
    return length;
  };
  return {
    ...parts,
    text,
    question: asked,
    words,
    questionWords,
    wordsOfUnit,
    wordsOfFrame,
    terms,
    isStop,
    unitLengths: Float64Array.from(wordsOfUnit, lengthOf),
    frameLengths: Float64Array.from(wordsOfFrame, lengthOf),
  };
}

function shortened(question: string): string {
  const half = MAX_QUESTION_CHARACTERS / 2;
  return question.length <= MAX_QUESTION_CHARACTERS ? question : `${question.slice(0, half)} ${question.slice(-half)}`;
}
