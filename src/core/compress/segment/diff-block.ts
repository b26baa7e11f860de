import { lineEnd, lineText } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

const HUNK = /^@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@/;
const HEADER =
  /^(?:diff --git |index [0-9a-f]{4,64}\.\.|--- |\+\+\+ |(?:new|deleted) file mode |old mode |new mode |similarity index |rename (?:from|to) |copy (?:from|to) |Binary files |GIT binary patch)/;

/** A unified diff: its headers and hunks, each hunk as long as it says. @internal */
export function diffBlock({ text }: ScanSource, at: number): Found | undefined {
  if (!startsDiff(text, at)) return undefined;
  let line = at;
  while (line < text.length) {
    const end = lineEnd(text, line);
    const content = lineText(text, line, end);
    const hunk = HUNK.exec(content);
    if (hunk !== null) line = hunkEnd(text, end, Number(hunk[1] ?? 1), Number(hunk[2] ?? 1));
    else if (HEADER.test(content)) line = end;
    else break;
  }
  return { kind: 'diff', end: line };
}

function startsDiff(text: string, at: number): boolean {
  if (text.startsWith('diff --git ', at)) return true;
  const end = lineEnd(text, at);
  if (text.startsWith('@@ -', at)) return HUNK.test(lineText(text, at, end));
  return text.startsWith('--- ', at) && text.startsWith('+++ ', end);
}

/** Follows the lines of a hunk, and those with a mark behind it that a wrong count left over. */
function hunkEnd(text: string, start: number, oldLines: number, newLines: number): number {
  let [oldLeft, newLeft] = [oldLines, newLines];
  let line = start;
  while (line < text.length) {
    const mark = text.charAt(line);
    const isOver = oldLeft <= 0 && newLeft <= 0;
    // An editor may have cut the space of an empty line of context.
    const isContext = mark === ' ' || mark === '\n' || mark === '\r';
    if (mark !== '+' && mark !== '-' && mark !== '\\' && (isOver || !isContext)) return line;
    if (isOver && (text.startsWith('--- ', line) || text.startsWith('- ', line))) return line;
    if (mark === '+' || isContext) newLeft -= 1;
    if (mark === '-' || isContext) oldLeft -= 1;
    line = lineEnd(text, line);
  }
  return line;
}
