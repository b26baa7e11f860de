import type { TextEdit } from '../compression.ts';
import { lineEnd, lineText, skipIndent } from '../segment/lines.ts';
import { type SegmentedText, type Transform, WORD_KINDS } from '../transform.ts';

/** Shorter runs may mean something, and cost a token as it is. */
const MIN_RUN = 6;
const SHORT_RUN = 3;
/** Characters of which rules are drawn. Not `~` and the backtick, which open fences, nor `#`, which opens headings. */
const RULE = '-=*_─━═•.·+';
/** These may also frame a title in its own line: `===== Title =====`. */
const FRAME = '-=*─━═';

/** Long rules drawn with one character become three of it. @internal */
export const separators: Transform = { id: 'separators', version: 1, level: 'lossless', kinds: WORD_KINDS, apply };

function apply({ text, segments }: SegmentedText): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  for (const { kind, start, end } of segments) {
    if (!WORD_KINDS.has(kind)) continue;
    // Read by itself: the next line break of the text may be far away.
    const content = text.slice(start, end);
    for (let line = 0; line < content.length; line = lineEnd(content, line)) {
      const isStart = line > 0 || start === 0 || text.charAt(start - 1) === '\n';
      const isEnd = lineEnd(content, line) < content.length || content.endsWith('\n') || end === text.length;
      if (isStart && isEnd) edits.push(...lineEdits(content, line).map((edit) => movedBy(edit, start)));
    }
  }
  return edits;
}

function movedBy(edit: TextEdit, distance: number): TextEdit {
  return { ...edit, start: edit.start + distance, end: edit.end + distance };
}

function lineEdits(text: string, line: number): readonly TextEdit[] {
  const start = skipIndent(text, line);
  const mark = text.charAt(start);
  if (mark === '' || !RULE.includes(mark)) return [];
  const content = lineText(text, start, lineEnd(text, line)).trimEnd();
  const first = runLength(content, mark, 0, 1);
  if (first < MIN_RUN) return [];
  if (first === content.length) return [shortened(start, first, mark)];
  if (!FRAME.includes(mark)) return [];
  const last = runLength(content, mark, content.length - 1, -1);
  if (last < SHORT_RUN || content.slice(first, -last).includes(mark)) return [];
  const lastStart = start + content.length - last;
  return [shortened(start, first, mark), ...(last >= MIN_RUN ? [shortened(lastStart, last, mark)] : [])];
}

function shortened(start: number, length: number, mark: string): TextEdit {
  return { start, end: start + length, text: mark.repeat(SHORT_RUN) };
}

function runLength(content: string, mark: string, from: number, step: 1 | -1): number {
  let at = from;
  while (content.charAt(at) === mark) at += step;
  return Math.abs(at - from);
}
