import {
  characterClass,
  DICTIONARY_CHARACTER,
  OTHER_CHARACTER,
  PAIRED_CHARACTER,
  WORD_CHARACTER,
} from './character-class.ts';
import { plainWord, stem } from './stem.ts';

/** Longer "words" are Base64 or the like: only their beginning is looked at. */
const MAX_WORD_CHARACTERS = 40;
/** Scripts without spaces are looked up in stretches of so many characters at most. */
const DICTIONARY_STRETCH = 1000;
/** 16,000 and 16.000 are one number, and 1,5 two: digits in groups of three. */
const GROUPED_NUMBER = /\d{1,3}(?:[.,'\u00a0\u202f]\d{3}){1,4}/y;

const CAPITAL = 1;
const DIGIT = 2;

let dictionary: Intl.Segmenter | undefined;

/** The terms of texts as numbers: words with one stem are one term. What `read` gives is a term with what can be seen of its form. */
export class Vocabulary {
  /** The text of each term. */
  readonly terms: string[] = [];
  readonly #idOfTerm = new Map<string, number>();
  readonly #wordOfForm = new Map<string, number>();
  readonly #wordOfPair = new Map<number, number>();

  /** Adds the words between two offsets to the end of `words`. Every character is looked at once or twice. */
  read(text: string, start: number, end: number, words: number[]): void {
    let index = start;
    while (index < end) {
      const kind = characterClass(text.charCodeAt(index));
      let stop = index + 1;
      if (kind !== OTHER_CHARACTER) {
        while (stop < end && characterClass(text.charCodeAt(stop)) === kind) stop += 1;
        if (kind === WORD_CHARACTER) stop = this.#readWord(text, index, stop, end, words);
        else if (kind === PAIRED_CHARACTER) this.#readPairs(text, index, stop, words);
        else if (kind === DICTIONARY_CHARACTER) this.#readDictionary(text, index, stop, words);
      }
      index = stop;
    }
  }

  #readWord(text: string, start: number, stop: number, end: number, words: number[]): number {
    const code = text.charCodeAt(start);
    if (code >= 48 && code <= 57 && stop - start <= 3 && stop + 3 < end) {
      GROUPED_NUMBER.lastIndex = start;
      const grouped = GROUPED_NUMBER.exec(text)?.[0];
      if (grouped !== undefined && start + grouped.length <= end) {
        words.push(this.#wordOf(grouped.replace(/\D/g, '')));
        return start + grouped.length;
      }
    }
    words.push(this.#wordOf(text.slice(start, Math.min(stop, start + MAX_WORD_CHARACTERS))));
    return stop;
  }

  #readPairs(text: string, start: number, stop: number, words: number[]): void {
    if (stop - start === 1) {
      words.push(this.#pairOf(text, start, start + 1));
      return;
    }
    for (let index = start; index + 1 < stop; index += 1) words.push(this.#pairOf(text, index, index + 2));
  }

  #readDictionary(text: string, start: number, stop: number, words: number[]): void {
    dictionary ??= new Intl.Segmenter('th', { granularity: 'word' });
    for (let from = start; from < stop; from += DICTIONARY_STRETCH) {
      const stretch = text.slice(from, Math.min(stop, from + DICTIONARY_STRETCH));
      for (const { segment } of dictionary.segment(stretch)) words.push(this.#wordOf(segment));
    }
  }

  #pairOf(text: string, start: number, stop: number): number {
    const key = text.charCodeAt(start) * 0x1_00_00 + (stop - start === 2 ? text.charCodeAt(start + 1) : 0);
    const known = this.#wordOfPair.get(key);
    if (known !== undefined) return known;
    const word = this.#idOf(text.slice(start, stop)) * 4;
    this.#wordOfPair.set(key, word);
    return word;
  }

  #wordOf(form: string): number {
    const known = this.#wordOfForm.get(form);
    if (known !== undefined) return known;
    const plain = plainWord(form);
    const word = this.#idOf(stem(plain)) * 4 + (beginsUpper(form) ? CAPITAL : 0) + (hasDigit(plain) ? DIGIT : 0);
    this.#wordOfForm.set(form, word);
    return word;
  }

  #idOf(term: string): number {
    const known = this.#idOfTerm.get(term);
    if (known !== undefined) return known;
    const id = this.terms.length;
    this.terms.push(term);
    this.#idOfTerm.set(term, id);
    return id;
  }
}

function beginsUpper(form: string): boolean {
  const code = form.charCodeAt(0);
  return code > 0x7f ? /^\p{Lu}/u.test(form) : code >= 65 && code <= 90;
}

/** Digits of other scripts count too, but words of Latin letters are told apart without asking for them. */
function hasDigit(plain: string): boolean {
  for (let index = 0; index < plain.length; index += 1) {
    const code = plain.charCodeAt(index);
    if (code >= 48 && code <= 57) return true;
    if (code > 0x7f) return /\p{N}/u.test(plain);
  }
  return false;
}

/** The term of a word. */
export function termOf(word: number): number {
  return word >> 2;
}

/** Whether the word is written with a capital: a name, in most scripts that have them. */
export function isCapital(word: number): boolean {
  return (word & CAPITAL) !== 0;
}

/** Whether the word has a digit. */
export function isNumeric(word: number): boolean {
  return (word & DIGIT) !== 0;
}
