import type { TextEdit } from '../compression.ts';
import type { SegmentKind } from '../segment.ts';
import type { SegmentedText } from '../transform.ts';

/** An edit for every match within a segment of these kinds. @internal */
export function matchEdits(
  { text, segments }: SegmentedText,
  kinds: ReadonlySet<SegmentKind>,
  expression: RegExp,
  replacement: string,
): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  for (const { kind, start, end } of segments) {
    if (!kinds.has(kind)) continue;
    for (const match of text.slice(start, end).matchAll(expression)) {
      edits.push({ start: start + match.index, end: start + match.index + match[0].length, text: replacement });
    }
  }
  return edits;
}
