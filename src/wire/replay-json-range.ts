import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-codes.ts';
const SPACE = 0x20;

/** Where a value stands: offsets of its first byte and of the byte behind it. @internal */
export type ByteRange = readonly [start: number, end: number];

/**
 * Finds the value of a member of a JSON object in its bytes, without being misled by the same text elsewhere. Of a repeated key the last
 * counts, as in `JSON.parse`. The bytes must be JSON that parses; keys written with escapes are not found. Linear.
 * @param start - offset at or before the object's opening brace, with nothing but white space between.
 * @returns undefined when there is no object or no such member.
 * @internal
 */
export function memberRange(bytes: Uint8Array, start: number, key: string): ByteRange | undefined {
  let at = skipSpace(bytes, start);
  if (bytes[at] !== OPEN_BRACE) return undefined;
  let found: ByteRange | undefined;
  at = skipSpace(bytes, at + 1);
  while (bytes[at] === QUOTE) {
    const keyStart = at + 1;
    const keyEnd = stringEnd(bytes, at) - 1;
    at = skipSpace(bytes, keyEnd + 1);
    if (bytes[at] !== COLON) return undefined;
    const valueStart = skipSpace(bytes, at + 1);
    const valueEnd = endOfValue(bytes, valueStart);
    if (isKey(bytes, keyStart, keyEnd, key)) found = [valueStart, valueEnd];
    at = skipSpace(bytes, valueEnd);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return found;
}

/**
 * Where the elements of a JSON array stand. The bytes must be JSON that parses; nothing is yielded where there is no array. Linear.
 * @param start - offset at or before the array's opening bracket, with nothing but white space between.
 * @internal
 */
export function* elementRanges(bytes: Uint8Array, start: number): Generator<ByteRange> {
  let at = skipSpace(bytes, start);
  if (bytes[at] !== OPEN_BRACKET) return;
  at = skipSpace(bytes, at + 1);
  while (at < bytes.length && bytes[at] !== CLOSE_BRACKET) {
    const end = endOfValue(bytes, at);
    yield [at, end];
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
}

function isKey(bytes: Uint8Array, start: number, end: number, key: string): boolean {
  if (end - start !== key.length) return false;
  for (let index = 0; index < key.length; index += 1) {
    if (bytes[start + index] !== key.charCodeAt(index)) return false;
  }
  return true;
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && (bytes[at] ?? 0) <= SPACE) at += 1;
  return at;
}

/** Offset behind the closing quote of the string that opens at `start`. */
function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function endOfValue(bytes: Uint8Array, start: number): number {
  let at = start;
  let depth = 0;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    const isClose = byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
    if (depth === 0 && (byte === COMMA || isClose || byte <= SPACE)) return at;
    if (byte === QUOTE) at = stringEnd(bytes, at);
    else at += 1;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (isClose) depth -= 1;
    if (depth === 0 && (isClose || byte === QUOTE)) return at;
  }
  return at;
}
