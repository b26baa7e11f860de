import { RECORDS_LEGEND } from '../records-legend.ts';
import { lineEnd, lineText } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

/** Records that this library has written: its legend, and as many rows or lines as that counts. @internal */
export function recordsBlock(source: ScanSource, at: number): Found | undefined {
  const { text } = source;
  if (!text.startsWith('JSON ', at)) return undefined;
  const start = lineEnd(text, at);
  const legend = RECORDS_LEGEND.exec(lineText(text, at, start));
  if (legend === null) return undefined;
  const [, rows, lines] = legend;
  const end = rows === undefined ? linesEnd(text, start, Number(lines)) : csvEnd(text, start, Number(rows) + 1);
  if (end === -1) source.spend(text.length - start);
  return end === -1 ? undefined : { kind: 'records', end };
}

function linesEnd(text: string, start: number, lines: number): number {
  let line = start;
  for (let count = 0; count < lines; count += 1) {
    if (line >= text.length) return -1;
    line = lineEnd(text, line);
  }
  return line;
}

/** Offset behind so many rows; line breaks between quotation marks end none. */
function csvEnd(text: string, start: number, rows: number): number {
  let left = rows;
  let isQuoted = false;
  for (let at = start; at < text.length; at += 1) {
    const character = text.charAt(at);
    // Doubled marks within a cell close and open it again.
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\n' && !isQuoted) {
      left -= 1;
      if (left === 0) return at + 1;
    }
  }
  return left === 1 && !isQuoted && start < text.length ? text.length : -1;
}
