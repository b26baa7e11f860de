import { boundedText } from './bounded-text.ts';

/** A text as words, and what was counted on the way. */
export interface ScannedWords {
  /** A hash for each word, in their order: letters in lower case, a number by how many digits it has, any other sign by itself. */
  readonly hashes: readonly number[];
  readonly counts: SignCounts;
}

/** How many signs of a kind a text has. */
export interface SignCounts {
  readonly units: number;
  readonly letters: number;
  readonly capitals: number;
  readonly digits: number;
  readonly lines: number;
  readonly questions: number;
  readonly symbols: number;
  readonly foreign: number;
}

type SignKind = 'blank' | 'ignored' | 'letter' | 'digit' | 'symbol' | 'lone';

/** Fowler-Noll-Vo, 32 bits. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Numbers of this many digits and more are alike. Ours. */
const MOST_DIGITS = 10;

/** Words that a number is read as, by its digits: no letter has these codes. */
const NUMBER_WORDS = -1;

/**
 * Cuts a text into words, without a regular expression, so that it takes the same time a sign whatever the text is. Reads at most what `boundedText` leaves.
 * @internal
 */
export function scanWords(text: string): ScannedWords {
  const read = boundedText(text);
  const lower = read.toLowerCase();
  const hashes: number[] = [];
  const counts = { ...signCounts(read), letters: 0, digits: 0, symbols: 0 };
  let word = 0;
  let kind: SignKind = 'blank';
  let length = 0;
  const end = (): void => {
    if (kind === 'letter') hashes.push(word);
    else if (kind === 'digit') hashes.push(NUMBER_WORDS - Math.min(length, MOST_DIGITS));
    kind = 'blank';
    length = 0;
  };
  for (let at = 0; at < lower.length; at += 1) {
    const code = lower.charCodeAt(at);
    const next = signKind(code);
    if (next === 'ignored') continue;
    if (next !== kind) end();
    if (next === 'blank') continue;
    if (next === 'symbol') counts.symbols += 1;
    if (next === 'symbol' || next === 'lone') {
      hashes.push(Math.imul(FNV_OFFSET ^ code, FNV_PRIME));
      continue;
    }
    if (next === 'digit') counts.digits += 1;
    else counts.letters += 1;
    word = Math.imul((length === 0 ? FNV_OFFSET : word) ^ code, FNV_PRIME);
    kind = next;
    length += 1;
  }
  end();
  return { hashes, counts };
}

/** What is counted before letters lose their case. */
function signCounts(text: string): Pick<SignCounts, 'units' | 'capitals' | 'lines' | 'questions' | 'foreign'> {
  let capitals = 0;
  let lines = 0;
  let questions = 0;
  let foreign = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x41 && code <= 0x5a) capitals += 1;
    else if (code === 0x0a) lines += 1;
    else if (code === 0x3f || code === 0xff1f) questions += 1;
    else if (code > 0x7f) foreign += 1;
  }
  return { units: text.length, capitals, lines, questions, foreign };
}

function signKind(code: number): SignKind {
  if (code >= 0x61 && code <= 0x7a) return 'letter';
  if (code <= 0x20 || code === 0xa0) return 'blank';
  if (code < 0x80) return code >= 0x30 && code <= 0x39 ? 'digit' : 'symbol';
  return code < 0x2000 ? nearKind(code) : farKind(code);
}

/** Below General Punctuation: alphabets, of which some put no blanks between words. */
function nearKind(code: number): SignKind {
  if (code < 0xc0 || code === 0xd7 || code === 0xf7) return 'symbol';
  // Thai and Lao, Myanmar, Khmer.
  const isUnspaced =
    (code >= 0xe00 && code < 0xf00) || (code >= 0x1000 && code < 0x10a0) || (code >= 0x1780 && code < 0x1800);
  return isUnspaced ? 'lone' : 'letter';
}

/** From General Punctuation on: signs, then the scripts of East Asia, then what stands for signs beyond 16 bits. */
function farKind(code: number): SignKind {
  // Zero-width signs, direction marks, variation selectors and the byte order mark stand inside words and say nothing.
  if ((code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f))
    return 'ignored';
  if ((code >= 0xfe00 && code <= 0xfe0f) || code === 0xfeff) return 'ignored';
  if (code <= 0x200a || code === 0x2028 || code === 0x2029 || code === 0x202f || code === 0x205f || code === 0x3000)
    return 'blank';
  if (code < 0x2c00 || (code > 0x3000 && code < 0x3040)) return 'symbol';
  // Coptic, Georgian and others up to the radicals; Hangul has blanks between words.
  if (code < 0x2e00 || (code >= 0xa500 && code < 0xd800)) return 'letter';
  return 'lone';
}
