import type { TextEdit } from '../compression.ts';
import type { Segment } from '../segment.ts';
import { type SegmentedText, type Transform, WORD_KINDS } from '../transform.ts';
import { isEnglish } from './is-english.ts';

/** Set phrases that mean the same as a shorter word, whatever stands around them. */
const SHORTER: Readonly<Record<string, string>> = {
  'in order to': 'to',
  'due to the fact that': 'because',
  'for the reason that': 'because',
  'in view of the fact that': 'because',
  'despite the fact that': 'although',
  'in spite of the fact that': 'although',
  'at this point in time': 'now',
  'at the present time': 'now',
  'in the event that': 'if',
  'until such time as': 'until',
  'for the purpose of': 'for',
  'with regard to': 'about',
  'with regards to': 'about',
  'a large number of': 'many',
  'a significant number of': 'many',
  'the vast majority of': 'most',
  'prior to': 'before',
  'subsequent to': 'after',
  'in close proximity to': 'near',
  'has the ability to': 'can',
  'have the ability to': 'can',
  'make use of': 'use',
  'makes use of': 'uses',
  'each and every': 'every',
  'first and foremost': 'first',
  'on a regular basis': 'regularly',
  'on a daily basis': 'daily',
  'in a timely manner': 'promptly',
};
const PHRASE =
  /\b(?:in order to|due to the fact that|for the reason that|in view of the fact that|despite the fact that|in spite of the fact that|at this point in time|at the present time|in the event that|until such time as|for the purpose of|with regards? to|a large number of|a significant number of|the vast majority of|prior to|subsequent to|in close proximity to|ha(?:s|ve) the ability to|makes? use of|each and every|first and foremost|on a (?:regular|daily) basis|in a timely manner)\b/gi;
/** Openings of a sentence that add nothing to it. `Please the customer` is no courtesy; a line may begin within a sentence. */
const OPENING =
  /((?:^|\n)[ \t]{0,12}(?:[-*+•] |\d{1,3}[.)] )|^|[.!?][ \n]{1,2})((?:Please note that|Please be aware that|Kindly note that|It is important to note that|It should be noted that|Please|Kindly|I would like you to|I'd like you to|I want you to) )(?!(?:the|a|an|me|him|her|them|us|your|my|our|their|everyone)\b)([a-z])/g;
/** `, please.` at the end of a sentence. */
const ENDING = /,? please(?=[.!]\s)/g;

/**
 * Set phrases and politeness in English prose. Off unless asked for, since it saves next to nothing: 0 to 0.3 % of real prompts.
 * @internal
 */
export const phrases: Transform = { id: 'phrases', version: 1, level: 'light', kinds: WORD_KINDS, apply };

function apply({ text, segments }: SegmentedText): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  for (let from = 0; from < segments.length;) {
    let to = from;
    while (to < segments.length && segments[to]?.kind !== 'blank') to += 1;
    const [first] = segments.slice(from, to);
    const words = segments.slice(from, to).filter(({ kind }) => WORD_KINDS.has(kind));
    const found = words.flatMap((segment) => segmentEdits(text, segment, segment === first));
    // Asked last, since few paragraphs have anything to cut.
    if (found.length > 0 && isEnglish(words.map(({ start, end }) => text.slice(start, end)).join(' '))) {
      edits.push(...found);
    }
    from = to + 1;
  }
  return edits;
}

function segmentEdits(text: string, { start, end }: Segment, isParagraphStart: boolean): readonly TextEdit[] {
  const content = text.slice(start, end);
  const edits: TextEdit[] = [];
  for (const match of content.matchAll(PHRASE)) {
    const [phrase] = match;
    const shorter = SHORTER[phrase.toLowerCase()];
    // Legal texts shout; they are also meant to the letter.
    if (shorter === undefined || phrase === phrase.toUpperCase()) continue;
    const isCapital = phrase.charAt(0) !== phrase.charAt(0).toLowerCase();
    edits.push(editAt(start + match.index, phrase.length, isCapital ? capital(shorter) : shorter));
  }
  const isLineStart = start === 0 || text.charAt(start - 1) === '\n';
  for (const match of content.matchAll(OPENING)) {
    const [, before = '', opening = '', next = ''] = match;
    // Right behind a quotation or code no sentence begins.
    if (before === '' ? !isParagraphStart : match.index === 0 && !isLineStart && !/^[.!?\n]/.test(before)) continue;
    edits.push(editAt(start + match.index + before.length, opening.length + 1, capital(next)));
  }
  for (const match of content.matchAll(ENDING)) edits.push(editAt(start + match.index, match[0].length, ''));
  return withoutOverlaps(edits.toSorted((one, other) => one.start - other.start));
}

function editAt(start: number, length: number, text: string): TextEdit {
  return { start, end: start + length, text };
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Of two that meet, the later one waits for the next round. */
function withoutOverlaps(edits: readonly TextEdit[]): readonly TextEdit[] {
  let end = -1;
  return edits.filter((edit) => {
    if (edit.start < end) return false;
    end = edit.end;
    return true;
  });
}
