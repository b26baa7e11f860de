import type { TextEdit } from '../compression.ts';
import type { Segment } from '../segment.ts';
import { type SegmentedText, type Transform, WORD_KINDS } from '../transform.ts';
import { isEnglish } from '../transforms/is-english.ts';

/** One way in which a sentence says at length what it could say at once. @public */
export interface Tightening {
  readonly id: string;
  /** At the beginning of a sentence, without its first letter's case. */
  readonly opening: string;
  /** What takes its place; `''`: the next word begins the sentence. */
  readonly becomes: string;
}

/**
 * What is tightened in system prompts. Each is an opening of an English sentence that tells the model to do what follows, so that what follows alone tells
 * it the same.
 * @public
 */
export const TIGHTENINGS: readonly Tightening[] = [
  { id: 'make-sure-to', opening: 'make sure to', becomes: '' },
  { id: 'be-sure-to', opening: 'be sure to', becomes: '' },
  { id: 'remember-to', opening: 'remember to', becomes: '' },
  { id: 'remember-always', opening: 'remember to always', becomes: 'always' },
  { id: 'note-that-you-must', opening: 'note that you must', becomes: 'you must' },
  { id: 'keep-in-mind', opening: 'keep in mind that', becomes: '' },
  { id: 'your-task-is-to', opening: 'it is your task to', becomes: '' },
  { id: 'you-are-required-to', opening: 'you are required to', becomes: 'you must' },
  { id: 'you-are-expected-to', opening: 'you are expected to', becomes: 'you must' },
  { id: 'under-no-circumstances', opening: 'you must under no circumstances', becomes: 'never' },
];

const BECOMES = new Map(TIGHTENINGS.map(({ opening, becomes }) => [opening, becomes]));

const SENTENCE_START =
  /((?:^|\n)[ \t]{0,12}(?:[-*+•] |\d{1,3}[.)] )?|[.!] )((?:[Mm]ake sure to|[Bb]e sure to|[Rr]emember to(?: always)?|[Nn]ote that you must|[Kk]eep in mind that|[Ii]t is your task to|[Yy]ou are (?:required|expected) to|[Yy]ou must under no circumstances) )([a-z])/g;

/** The tightenings as a transform: prose and lists, English only. @internal */
export const tighten: Transform = { id: 'tighten', version: 1, level: 'light', kinds: WORD_KINDS, apply };

function apply({ text, segments }: SegmentedText): readonly TextEdit[] {
  return segments.flatMap((segment) => {
    if (!WORD_KINDS.has(segment.kind)) return [];
    return isEnglish(text.slice(segment.start, segment.end)) ? segmentEdits(text, segment) : [];
  });
}

function segmentEdits(text: string, { start, end }: Segment): readonly TextEdit[] {
  const isLineStart = start === 0 || text[start - 1] === '\n';
  return [...text.slice(start, end).matchAll(SENTENCE_START)].flatMap((match) => {
    const [, before = '', opening = '', next = ''] = match;
    // Right behind a quotation or code no sentence begins.
    if (match.index === 0 && !isLineStart && !/^[.!\n]/.test(before)) return [];
    const becomes = BECOMES.get(opening.trimEnd().toLowerCase());
    if (becomes === undefined) return [];
    const from = start + match.index + before.length;
    const written = becomes === '' ? capital(next) : `${capital(becomes)} ${next}`;
    return [{ start: from, end: from + opening.length + next.length, text: written }];
  });
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
