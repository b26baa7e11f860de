import { characterClass, DICTIONARY_CHARACTER, OTHER_CHARACTER } from './character-class.ts';
import type { WholeSpans } from './whole-spans.ts';

/** Takes the place of one sentence: offsets in the text, without white space at either end. */
export type TakeSentence = (start: number, end: number) => void;

/** A "sentence" that is longer is cut at the best place before this: a line break, a semicolon, a space. */
const MAX_SENTENCE_CHARACTERS = 600;
/** A semicolon ends a clause that is so long: lists of names run to hundreds of words. In scripts with wide ones a third of that. */
const LONG_CLAUSE_CHARACTERS = 150;
/** Thai, Lao and Burmese often have no full stop, but put a space after a clause: cut there. */
const DICTIONARY_CLAUSE_CHARACTERS = 120;

/** Full stops that end a sentence whatever follows: ideographic, full-width, Devanagari, Urdu, Ethiopic, Khmer, Burmese, Armenian, Tibetan. */
const SURE_STOPS = '。！？｡।॥۔؟።፧។៕။։།᠃᙮⁇⁈⁉‼';
const CLOSERS = '"\')]}»”’」』）】》〉］';
/** Words before a full stop that seldom end a sentence, lower case, in the languages where titles and abbreviations are written so. */
const ABBREVIATIONS: ReadonlySet<string> = new Set(
  (
    'mr mrs ms dr prof st mt sr jr rev hon gen col lt sgt capt cmdr gov sen rep pres vs etc al inc ltd co corp no nos fig figs eq sec ch vol ed eds ' +
    'pp approx dept est jan feb mar apr jun jul aug sept sep oct nov dec u.s u.k e.g i.e cf ca c ' +
    'bzw usw evtl ggf str nr z.b d.h u.a hl bd abb jh chr ' +
    'm mme mlle av env p.ex sra srta ud uds núm pág dott sig prof ecc г гг им т.д т.п др'
  ).split(' '),
);

const DOT = 46;
const SEMICOLON = 59;
const WIDE_SEMICOLON = 0xff_1b;
const NEWLINE = 10;
const SPACE = 32;

/**
 * Finds the sentences between two offsets of a text. A hand-written rule for scripts with spaces, since `Intl.Segmenter` breaks after
 * "Mr. Smith" and costs more than the scoring; it knows the full stops of other scripts too. It never ends one within a whole span.
 */
export function splitSentences(text: string, start: number, end: number, take: TakeSentence, wholes: WholeSpans): void {
  let from = skipSpace(text, start, end);
  let dictionaryCharacters = 0;
  let index = from;
  while (index < end) {
    const whole = wholes.until(index);
    if (whole > index) {
      index = Math.min(whole, end);
      continue;
    }
    const code = text.charCodeAt(index);
    if (code > 0x0e_00 && characterClass(code) === DICTIONARY_CHARACTER) dictionaryCharacters += 1;
    const isSpaced = isSpace(code);
    const next = isSpaced ? skipSpace(text, index, end) : stopEnd(text, index, code, end);
    const isBorder = isSpaced
      ? dictionaryCharacters > DICTIONARY_CLAUSE_CHARACTERS || breaksAtLine(text, index, next)
      : next > index && isSentenceEnd(text, from, index, next, end);
    if (isBorder) {
      takeTrimmed(text, from, isSpaced ? index : next, take, wholes);
      from = skipSpace(text, next, end);
      dictionaryCharacters = 0;
    }
    index = Math.max(next, from, index + 1);
  }
  takeTrimmed(text, from, end, take, wholes);
}

/** The offset behind a run of stops and closing marks that begins here; the same offset where none does. */
function stopEnd(text: string, index: number, code: number, end: number): number {
  const isStop =
    isSoftStop(code) ||
    code === SEMICOLON ||
    code === WIDE_SEMICOLON ||
    (code > 0x05_00 && SURE_STOPS.includes(text[index] as string));
  return isStop ? skipClosers(text, index + 1, end) : index;
}

/** Whether the stops between two offsets end a sentence. A stop of a script with spaces does if a space follows and no small letter. */
function isSentenceEnd(text: string, from: number, stop: number, closed: number, end: number): boolean {
  const code = text.charCodeAt(stop);
  if (code === SEMICOLON || code === WIDE_SEMICOLON) {
    const minimum = code === SEMICOLON ? LONG_CLAUSE_CHARACTERS : LONG_CLAUSE_CHARACTERS / 3;
    return stop - from >= minimum && (code === WIDE_SEMICOLON || isSpace(text.charCodeAt(closed)));
  }
  if (!isSoftStop(code)) return true;
  if (closed >= end || !isSpace(text.charCodeAt(closed))) return false;
  const next = skipSpace(text, closed, end);
  if (next >= end || startsLower(text, next)) return false;
  return !(code === DOT && closed === stop + 1 && isAbbreviation(text, from, stop));
}

function isSoftStop(code: number): boolean {
  return code === DOT || code === 33 || code === 63 || code === 0x20_26;
}

/** White space ends a sentence where it holds a line break and a list item or a quotation begins after it. */
function breaksAtLine(text: string, start: number, end: number): boolean {
  let index = start;
  while (index < end && text.charCodeAt(index) !== NEWLINE) index += 1;
  return index < end && /^(?:[-*+•·–—>]\s|\d{1,3}[.)]\s|\[\d)/.test(text.slice(end, end + 5));
}

function takeTrimmed(text: string, from: number, border: number, take: TakeSentence, wholes: WholeSpans): void {
  let end = border;
  while (end > from && isSpace(text.charCodeAt(end - 1))) end -= 1;
  if (end <= from) return;
  let start = from;
  while (end - start > MAX_SENTENCE_CHARACTERS) {
    const cut = Math.min(end, wholes.until(cutBefore(text, start, start + MAX_SENTENCE_CHARACTERS)));
    take(start, cut);
    start = skipSpace(text, cut, end);
  }
  if (start < end) take(start, end);
}

/** The best place to cut an over-long stretch: the last line break, semicolon or space in its second half, else between two characters. */
function cutBefore(text: string, start: number, limit: number): number {
  const half = start + ((limit - start) >> 1);
  const searched = text.slice(half, limit);
  for (const mark of ['\n', '; ', '；', ', ', '，', ' ']) {
    const found = searched.lastIndexOf(mark);
    if (found >= 0) return half + found + mark.trimEnd().length;
  }
  const code = text.charCodeAt(limit);
  return code >= 0xdc_00 && code <= 0xdf_ff ? limit - 1 : limit;
}

function isAbbreviation(text: string, from: number, dot: number): boolean {
  let start = dot;
  while (start > from && dot - start < 8) {
    const code = text.charCodeAt(start - 1);
    if (code !== DOT && characterClass(code) === OTHER_CHARACTER) break;
    start -= 1;
  }
  const word = text.slice(start, dot);
  // German and others write ordinals so ("im 19. Jahrhundert"); a sentence that ends in so short a number is left joined to the next.
  if (/^\d{1,2}$/.test(word)) return true;
  // One capital is an initial, but a sentence may end in "I".
  if (word.length === 1) return word !== 'I' && word.toLowerCase() !== word;
  return ABBREVIATIONS.has(word.toLowerCase()) || /^(?:\p{Lu}\.)+\p{Lu}$/u.test(word);
}

function startsLower(text: string, index: number): boolean {
  const character = text[index] as string;
  return character.toUpperCase() !== character;
}

function skipClosers(text: string, index: number, end: number): number {
  let at = index;
  while (at < end && (CLOSERS.includes(text[at] as string) || '.!?。！？'.includes(text[at] as string))) at += 1;
  return at;
}

function skipSpace(text: string, index: number, end: number): number {
  let at = index;
  while (at < end && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(code: number): boolean {
  return code === SPACE || (code >= 9 && code <= 13) || code === 0xa0 || code === 0x30_00 || code === 0x85;
}
