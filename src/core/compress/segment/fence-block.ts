import { jsonSpan, skipJsonSpace } from './json-span.ts';
import { lineEnd, lineText } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

/** A fence may stand in a list item or in a block quote. */
const OPENING = /^([ \t>]{0,40}(?:(?:[-*+]|\d{1,9}[.)])[ \t]{1,8})?)(`{3,}|~{3,})/;
const CLOSING = /^[ \t>]*(`{3,}|~{3,})[ \t]*$/;
const JSON_INFO = /^(?:json)?$/i;

/**
 * A fenced block with its fences and the line break behind. One that is never closed makes the rest of the text `unknown`: nobody can tell what is
 * code and what is not.
 * @internal
 */
export function fenceBlock(source: ScanSource, at: number): Found | undefined {
  const { text } = source;
  const contentStart = lineEnd(text, at);
  const line = lineText(text, at, contentStart);
  const [opening, before = '', fence = ''] = OPENING.exec(line) ?? [];
  if (opening === undefined) return undefined;
  const info = line.slice(opening.length);
  // Three backticks and one more in the same line are inline code.
  if (fence.startsWith('`') && info.includes('`')) return undefined;
  for (let next = contentStart; next < text.length;) {
    const end = lineEnd(text, next);
    if (isClosing(lineText(text, next, end), fence)) {
      const isJson = before.trim() === '' && JSON_INFO.test(info.trim()) && isOnlyJson(text.slice(contentStart, next));
      return { kind: isJson ? 'json-fence' : 'fence', end };
    }
    next = end;
  }
  return { kind: 'unknown', end: text.length };
}

/** Whether a text is one JSON object or array. */
function isOnlyJson(text: string): boolean {
  const start = skipJsonSpace(text, 0);
  if (text.charAt(start) !== '{' && text.charAt(start) !== '[') return false;
  const { end, isWhole } = jsonSpan(text, start);
  return isWhole && skipJsonSpace(text, end) === text.length;
}

function isClosing(line: string, fence: string): boolean {
  const closing = CLOSING.exec(line)?.[1];
  return closing !== undefined && closing.charAt(0) === fence.charAt(0) && closing.length >= fence.length;
}
