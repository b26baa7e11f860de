/** What a summary does not say any more. @public */
export interface LostFacts {
  /** Numbers as they are written, dates and times included. */
  readonly numbers: readonly string[];
  /** Words that are written like names: capitalised within a sentence, or with capitals or digits within the word. */
  readonly names: readonly string[];
}

/** More than so many of a kind are not listed. */
const MAX_LISTED = 100;

const NUMBER = /\d+(?:[.,:/-]\d+)*/gu;
const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
/** What a sentence may end with, or a heading, a label or an item of a list begin with. */
const OPENERS: ReadonlySet<string> = new Set('.!?:;>*#•"“„(-');
/** So much of what stands before a word tells whether it begins a sentence. */
const LOOK_BACK = 4;
const CAPITALISED = /^\p{Lu}\p{Ll}+$/u;
const FIRST_CAPITAL = /^\p{Lu}./u;
const FIRST_LETTER = /^\p{L}/u;
const INNER_MARK = /\p{Ll}\p{Lu}|\p{N}|_/u;

/**
 * Finds the numbers and names of a text that its summary has lost, each once and in the order of the text. By letters alone: in languages that capitalise
 * every noun it lists nouns as well, and where there are no capitals no names.
 * @public
 */
export function lostFacts(source: string, summary: string): LostFacts {
  const keptNumbers = new Set((summary.match(NUMBER) ?? []).map(plainNumber));
  const keptWords = new Set((summary.match(WORD) ?? []).map((word) => word.toLowerCase()));
  const numbers = new Set((source.match(NUMBER) ?? []).filter((number) => !keptNumbers.has(plainNumber(number))));
  const names = new Set<string>();
  for (const { 0: word, index } of source.matchAll(WORD)) {
    if (names.has(word) || keptWords.has(word.toLowerCase()) || !isLikeName(word)) continue;
    if (!CAPITALISED.test(word) || !opensSentence(source, index)) names.add(word);
  }
  return { numbers: [...numbers].slice(0, MAX_LISTED), names: [...names].slice(0, MAX_LISTED) };
}

function opensSentence(source: string, index: number): boolean {
  const before = source.slice(Math.max(0, index - LOOK_BACK), index);
  const last = before.trimEnd().at(-1);
  return last === undefined || before.includes('\n') || OPENERS.has(last);
}

/** `1,000` is `1000`. */
function plainNumber(number: string): string {
  return number.replaceAll(',', '');
}

function isLikeName(word: string): boolean {
  return FIRST_CAPITAL.test(word) || (FIRST_LETTER.test(word) && INNER_MARK.test(word));
}
