import type { TextEdit } from '../compression.ts';
import { type SegmentedText, TEXT_KINDS, type Transform } from '../transform.ts';

/** Zero-width space, non-joiner, joiner, word joiner, byte order mark, soft hyphen. */
const RUN = /(?:\u200B|\u200C|\u200D|\u2060|\uFEFF|\u00AD)+/g;
/** What no script needs them between: Latin, Greek and Cyrillic letters, spaces and the punctuation of prose. */
const HARMLESS = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\s.,;:!?()–—-]/u;
const DIGIT = /\d/;

/**
 * Characters that nobody sees, where no script needs them: joiners shape Arabic, Indic scripts and emoji, zero-width spaces part words in Thai and
 * Khmer; there they stay. Between digits as well, where they may keep two numbers apart.
 * @internal
 */
export const zeroWidth: Transform = { id: 'zero-width', version: 1, level: 'lossless', kinds: TEXT_KINDS, apply };

function apply({ text, segments }: SegmentedText): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  for (const segment of segments) {
    if (!TEXT_KINDS.has(segment.kind)) continue;
    for (const match of text.slice(segment.start, segment.end).matchAll(RUN)) {
      const start = segment.start + match.index;
      const end = start + match[0].length;
      if (isHarmless(text, start, end)) edits.push({ start, end, text: '' });
    }
  }
  return edits;
}

function isHarmless(text: string, start: number, end: number): boolean {
  const [before, after] = [text.charAt(start - 1), text.charAt(end)];
  // A byte order mark belongs to a file, not to its text.
  if (start === 0 && text.slice(0, end) === '\uFEFF') return true;
  return !(DIGIT.test(before) && DIGIT.test(after)) && isEdgeOrHarmless(before) && isEdgeOrHarmless(after);
}

function isEdgeOrHarmless(character: string): boolean {
  return character === '' || HARMLESS.test(character) || DIGIT.test(character);
}
