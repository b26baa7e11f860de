import { balancedEnd, jsonSpan, skipJsonSpace } from './json-span.ts';
import type { Found, ScanSource } from './scan-source.ts';

/** What may not stand right before JSON within a line: it would be an index, a template, a call or a link. */
const NOT_BEFORE = /[\p{L}\p{N}_$%{\\\])'`]/u;
/** How far JSON that was cut off or broken is left alone: to the next blank line. */
const BLANK_LINE = /\n[ \t\r]*\n/g;

/**
 * JSON that begins with the bracket here. What looks like JSON and is not (cut off, comments, trailing commas) is `unknown`, up to the bracket that
 * balances it or the next blank line.
 * @internal
 */
export function jsonFound(source: ScanSource, at: number): Found | undefined {
  const { text } = source;
  if (at > 0 && NOT_BEFORE.test(text.charAt(at - 1))) return undefined;
  const span = jsonSpan(text, at);
  if (span.isWhole && isWorthy(text, at, span.end)) return { kind: 'json', end: span.end };
  // All of it is looked at again from the next bracket on.
  source.spend(span.end - at);
  if (span.isWhole) return undefined;
  if (!looksLikeJson(text, at)) return undefined;
  if (span.end >= text.length) return { kind: 'unknown', end: text.length };
  const balanced = balancedEnd(text, at);
  source.spend((balanced === -1 ? text.length : balanced) - at);
  if (balanced !== -1) return { kind: 'unknown', end: balanced };
  BLANK_LINE.lastIndex = span.end;
  return { kind: 'unknown', end: BLANK_LINE.test(text) ? BLANK_LINE.lastIndex : text.length };
}

/** `[1]` and `{}` in prose are no data. */
function isWorthy(text: string, at: number, end: number): boolean {
  if (text.charAt(at) === '{') return skipJsonSpace(text, at + 1) < end - 1;
  for (let index = at + 1; index < end; index += 1) if ('"{\n'.includes(text.charAt(index))) return true;
  return false;
}

function looksLikeJson(text: string, at: number): boolean {
  const next = text.charAt(skipJsonSpace(text, at + 1));
  return next === '"' || (text.charAt(at) === '[' && (next === '{' || next === '['));
}
