import { isBlankFrom, lineEnd } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

/** A Markdown table: a line with bars, a line of dashes, rows. @internal */
export function tableBlock({ text }: ScanSource, at: number): Found | undefined {
  const second = lineEnd(text, at);
  if (!hasBar(text, at, second) || !isDelimiterRow(text, second)) return undefined;
  let line = lineEnd(text, second);
  while (line < text.length && !isBlankFrom(text, line)) {
    const end = lineEnd(text, line);
    if (!hasBar(text, line, end)) break;
    line = end;
  }
  return { kind: 'table', end: line };
}

/** Whether the line that begins here is the second one of a Markdown table: `|---|:--:|`. @internal */
export function isDelimiterRow(text: string, at: number): boolean {
  let dashes = 0;
  let bars = 0;
  for (let index = at; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === '\n') break;
    if (character === '-') dashes += 1;
    else if (character === '|') bars += 1;
    else if (!' \t:\r'.includes(character)) return false;
  }
  return dashes > 0 && bars > 0;
}

function hasBar(text: string, at: number, end: number): boolean {
  return text.slice(at, end).includes('|');
}
