import type { TextEdit } from '../compression.ts';
import type { SegmentKind } from '../segment.ts';
import { withoutTrailing } from '../../without-trailing.ts';
import { lineEnd, lineText, skipIndent } from '../segment/lines.ts';
import { isDelimiterRow } from '../segment/table-block.ts';
import type { Transform } from '../transform.ts';

const SPACES = ' \t';
const TABLE: ReadonlySet<SegmentKind> = new Set<SegmentKind>(['table']);

/** The cells of Markdown tables with one space around them, and three dashes in their second line. @internal */
export const tablePadding: Transform = {
  id: 'table-padding',
  version: 1,
  level: 'lossless',
  kinds: TABLE,
  apply: ({ text, segments }) =>
    segments.flatMap(({ kind, start, end }): readonly TextEdit[] => {
      if (kind !== 'table') return [];
      const table = tightTable(text.slice(start, end));
      return table.length < end - start ? [{ start, end, text: table }] : [];
    }),
};

function tightTable(table: string): string {
  const lines: string[] = [];
  for (let at = 0; at < table.length;) {
    const end = lineEnd(table, at);
    const line = lineText(table, at, end);
    const lineBreak = table.slice(at + line.length, end);
    // The delimiter row is the second line; further rows of dashes are data.
    lines.push((lines.length === 1 && isDelimiterRow(table, at) ? tightDelimiters(line) : tightRow(line)) + lineBreak);
    at = end;
  }
  return lines.join('');
}

function tightDelimiters(line: string): string {
  const indent = line.slice(0, line.length - line.trimStart().length);
  return indent + line.replaceAll(/[ \t]+/g, '').replaceAll(/-{4,}/g, '---');
}

/** Spaces beside bars, outside code between backticks. */
function tightRow(line: string): string {
  const cells = cellsOf(line);
  const tight = cells.map((cell, index) => {
    const words = trimmed(cell);
    // What stands before the first bar is the line's indent, behind the last one nothing.
    if (index === 0) return words === '' ? cell : `${withoutTrailing(cell, SPACES)} `;
    if (index === cells.length - 1) return words === '' ? '' : ` ${words}`;
    return words === '' ? ' ' : ` ${words} `;
  });
  return cells.length < 2 ? line : tight.join('|');
}

/** What stands between the bars that part cells. */
function cellsOf(line: string): readonly string[] {
  const cells: string[] = [];
  let start = 0;
  let isCode = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === '\\') at += 1;
    else if (character === '`') isCode = !isCode;
    else if (character === '|' && !isCode) {
      cells.push(line.slice(start, at));
      start = at + 1;
    }
  }
  return [...cells, line.slice(start)];
}

function trimmed(cell: string): string {
  return withoutTrailing(cell.slice(skipIndent(cell, 0)), SPACES);
}
