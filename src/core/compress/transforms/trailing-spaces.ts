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
  for (const segment of segments) {
    if (!TEXT_KINDS.has(segment.kind)) continue;
    let feed = text.indexOf('\n', segment.start);
    for (; feed !== -1 && feed < segment.end; feed = text.indexOf('\n', feed + 1)) {
      const end = text.charAt(feed - 1) === '\r' && feed > segment.start ? feed - 1 : feed;
      const start = spacesBefore(text, segment.start, end);
      const isBreak = segment.kind !== 'blank' && end - start >= 2 && !isBlankFrom(text, feed + 1);
      if (start < end && !isBreak) edits.push({ start, end, text: '' });
    }
  }
  return edits;
}

function spacesBefore(text: string, from: number, end: number): number {
  let start = end;
  while (start > from && ' \t'.includes(text.charAt(start - 1))) start -= 1;
  return start;
}
