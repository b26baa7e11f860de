import type { SegmentKind } from '../segment.ts';
import { inlineCodeEnd, runEnd } from './inline-code-end.ts';
import { jsonFound } from './json-found.ts';
import { lineEnd } from './lines.ts';
import { quoteEnd } from './quote-span.ts';
import type { Found, ScanSource } from './scan-source.ts';
import type { SegmentWriter } from './segment-writer.ts';
import { tagEnd } from './tag-end.ts';
import { templateEnd } from './template-end.ts';
import { urlEnd } from './url-end.ts';

/** An unbroken run of Base64's letters that is as long is no word; 64 is a SHA-256 in hexadecimal. */
const MIN_BASE64_LENGTH = 64;
const DATA_URI = /:[a-z]{1,20}\/[\w.+-]{1,80}(?:;[\w.=-]{1,40}){0,4},[\w+/=%.-]*/y;
const MAX_LINK_LENGTH = 2000;

const ASCII = 128;
const WORD_START = tableOf('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
const WORD = tableOf('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/=_-');
const SPECIAL = tableOf('`"\'{[]<$%');

/**
 * Splits running text up to the end of its line: what must not be touched is cut out, the rest is of the kind `base`. What is cut out may reach over
 * lines; then the line in which it ends is split as well.
 * @returns where the next line begins.
 * @internal
 */
export function inlineLine(source: ScanSource, writer: SegmentWriter, start: number, base: SegmentKind): number {
  const { text } = source;
  let end = lineEnd(text, start);
  let at = start;
  while (at < end && !source.isSpent) {
    const wordEnd = WORD_START[text.charCodeAt(at)] === 1 ? endOfWord(text, at) : at;
    const found = wordEnd > at ? wordFound(text, at, wordEnd) : markFound(source, at);
    if (found === undefined) at = wordEnd > at ? wordEnd : afterMark(text, at);
    else {
      writer.write(base, found.start);
      writer.write(found.kind, found.end);
      at = found.end;
      // JSON and quotations may end lines further down.
      if (at > end) end = text.charCodeAt(at - 1) === 10 ? at : lineEnd(text, at);
    }
  }
  writer.write(base, Math.max(at, writer.end));
  return at;
}

interface InlineFound extends Found {
  readonly start: number;
}

function wordFound(text: string, start: number, wordEnd: number): InlineFound | undefined {
  if (wordEnd - start >= MIN_BASE64_LENGTH) return { kind: 'base64', start, end: wordEnd };
  const next = text.charCodeAt(wordEnd);
  if (next === 46 || next === 58) {
    const end = urlEnd(text, start, wordEnd);
    if (end !== -1) return { kind: 'url', start, end };
    if (next === 58 && wordEnd - start === 4 && text.startsWith('data', start)) return dataUri(text, start, wordEnd);
  }
  return undefined;
}

function dataUri(text: string, start: number, wordEnd: number): InlineFound | undefined {
  DATA_URI.lastIndex = wordEnd;
  return DATA_URI.test(text) ? { kind: 'base64', start, end: DATA_URI.lastIndex } : undefined;
}

function markFound(source: ScanSource, at: number): InlineFound | undefined {
  const { text } = source;
  const code = text.charCodeAt(at);
  if (code >= ASCII) return foundAs('quote', at, quoteEnd(source, at));
  if (SPECIAL[code] !== 1) return undefined;
  switch (text.charAt(at)) {
    case '`':
      return foundAs('inline-code', at, inlineCodeEnd(source, at));
    case '"':
    case "'":
      return foundAs('quote', at, quoteEnd(source, at));
    case '<':
      return foundAs('tagged', at, tagEnd(text, at));
    case ']':
      return linkTarget(source, at);
    case '$':
    case '%':
      return foundAs('template', at, templateEnd(text, at));
    case '[':
      return jsonAt(source, at);
    default:
      return jsonAt(source, at) ?? foundAs('template', at, templateEnd(text, at));
  }
}

function jsonAt(source: ScanSource, at: number): InlineFound | undefined {
  const found = jsonFound(source, at);
  return found === undefined ? undefined : { ...found, start: at };
}

function foundAs(kind: SegmentKind, start: number, end: number): InlineFound | undefined {
  return end === -1 ? undefined : { kind, start, end };
}

/** What stands in the round brackets of a Markdown link, with a title if it has one. */
function linkTarget(source: ScanSource, at: number): InlineFound | undefined {
  const { text } = source;
  if (text.charAt(at + 1) !== '(') return undefined;
  const last = Math.min(text.length, at + MAX_LINK_LENGTH);
  let depth = 1;
  let end = at + 2;
  for (; end < last && depth > 0; end += 1) {
    const code = text.charCodeAt(end);
    if (code === 10) break;
    if (code === 40) depth += 1;
    else if (code === 41) depth -= 1;
  }
  if (depth === 0 && end > at + 3) return { kind: 'url', start: at + 2, end: end - 1 };
  source.spend(end - at);
  return undefined;
}

function endOfWord(text: string, start: number): number {
  let at = start + 1;
  while (WORD[text.charCodeAt(at)] === 1) at += 1;
  return at;
}

/** Backticks that close nothing are passed over together, or the second would open what the first could not. */
function afterMark(text: string, at: number): number {
  return text.charAt(at) === '`' ? runEnd(text, at) : at + 1;
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(ASCII);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
