const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const COMMA = 44;
const COLON = 58;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const HEX_4 = /[0-9a-fA-F]{4}/y;
const LITERALS = ['true', 'false', 'null'];

/** @internal */
export interface JsonSpan {
  /** Offset behind the value, or the offset at which it stopped being JSON. */
  readonly end: number;
  readonly isWhole: boolean;
}

type Expected = 'value' | 'first-value' | 'first-key' | 'key' | 'colon' | 'next';

/** Follows the JSON value that begins here, after the grammar of RFC 8259; no depth is too deep. @internal */
export function jsonSpan(text: string, start: number): JsonSpan {
  const open: number[] = [];
  let expected: Expected = 'value';
  let at = start;
  for (;;) {
    at = skipJsonSpace(text, at);
    const code = text.charCodeAt(at);
    if (closes(code, expected, open.at(-1))) {
      open.pop();
      at += 1;
      expected = 'next';
    } else {
      const step = jsonStep(text, at, expected, open);
      if (step === undefined) return { end: at, isWhole: false };
      ({ at, expected } = step);
    }
    if (open.length === 0) return { end: at, isWhole: true };
  }
}

/** Offset of the first character from here that is not JSON's white space. @internal */
export function skipJsonSpace(text: string, at: number): number {
  let next = at;
  while (isJsonSpace(text.charCodeAt(next))) next += 1;
  return next;
}

/** @internal */
export function isJsonSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

/** Offset behind the JSON string whose quotation mark stands here; -1 where it is none. @internal */
export function jsonStringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code < 32) return -1;
    if (code !== BACKSLASH) continue;
    at += 1;
    const escaped = text.charAt(at);
    if (escaped === 'u') {
      HEX_4.lastIndex = at + 1;
      if (!HEX_4.test(text)) return -1;
      at += 4;
    } else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) return -1;
  }
  return -1;
}

/** Offset behind the string, number or literal that begins here; -1 where there is none. @internal */
export function jsonScalarEnd(text: string, at: number): number {
  if (text.charCodeAt(at) === QUOTE) return jsonStringEnd(text, at);
  NUMBER.lastIndex = at;
  if (NUMBER.test(text)) return NUMBER.lastIndex;
  const literal = LITERALS.find((each) => text.startsWith(each, at));
  return literal === undefined ? -1 : at + literal.length;
}

/** Offset behind the bracket that balances the one here, minding strings in quotation marks but no other grammar; -1 where there is none. @internal */
export function balancedEnd(text: string, start: number): number {
  let depth = 0;
  let isQuoted = false;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isQuoted) {
      if (code === BACKSLASH) at += 1;
      // No JSON string holds a line break: it ends a string that was never closed.
      else if (code === QUOTE || code === 10) isQuoted = false;
    } else if (code === QUOTE) isQuoted = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

function closes(code: number, expected: Expected, innermost: number | undefined): boolean {
  if (innermost === OPEN_BRACE) return code === CLOSE_BRACE && (expected === 'next' || expected === 'first-key');
  if (innermost === OPEN_BRACKET) return code === CLOSE_BRACKET && (expected === 'next' || expected === 'first-value');
  return false;
}

function jsonStep(
  text: string,
  at: number,
  expected: Expected,
  open: number[],
): { readonly at: number; readonly expected: Expected } | undefined {
  const code = text.charCodeAt(at);
  switch (expected) {
    case 'colon':
      return code === COLON ? { at: at + 1, expected: 'value' } : undefined;
    case 'next':
      if (code !== COMMA) return undefined;
      return { at: at + 1, expected: open.at(-1) === OPEN_BRACE ? 'key' : 'value' };
    case 'key':
    case 'first-key': {
      const end = code === QUOTE ? jsonStringEnd(text, at) : -1;
      return end === -1 ? undefined : { at: end, expected: 'colon' };
    }
    case 'value':
    case 'first-value': {
      if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        open.push(code);
        return { at: at + 1, expected: code === OPEN_BRACE ? 'first-key' : 'first-value' };
      }
      const end = jsonScalarEnd(text, at);
      return end === -1 ? undefined : { at: end, expected: 'next' };
    }
  }
}
