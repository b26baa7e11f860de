import type { TextEdit } from '../compression.ts';
import { isBlankFrom } from '../segment/lines.ts';
import { type SegmentedText, TEXT_KINDS, type Transform } from '../transform.ts';

/**
 * Spaces and tabs at the end of a line. Two spaces are a line break in Markdown where the paragraph goes on: those stay, and so do spaces at the very
 * end, which a completion may hang on.
 * @internal
 */
export const trailingSpaces: Transform = {
  id: 'trailing-spaces',
  version: 1,
  level: 'lossless',
  kinds: TEXT_KINDS,
  apply,
};

function apply({ text, segments }: SegmentedText): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  for (const { kind, start: from, end: to } of segments) {
    if (!TEXT_KINDS.has(kind)) continue;
    // Searched in the segment alone: the next line break of the text may be far away.
    const content = text.slice(from, to);
    for (let feed = content.indexOf('\n'); feed !== -1; feed = content.indexOf('\n', feed + 1)) {
      const end = content.charAt(feed - 1) === '\r' ? feed - 1 : feed;
      const start = spacesBefore(content, end);
      const isBreak = kind !== 'blank' && end - start >= 2 && !isBlankFrom(text, from + feed + 1);
      if (start < end && !isBreak) edits.push({ start: from + start, end: from + end, text: '' });
    }
  }
  return edits;
}

function spacesBefore(content: string, end: number): number {
  let start = end;
  while (start > 0 && ' \t'.includes(content.charAt(start - 1))) start -= 1;
  return start;
}
