import { closingQuote } from './json-string.ts';

/** What may stand between strings: white space, brackets and the like one by one, numbers and literals whole. */
const TOKEN = /[ \t\n\r]+|[{}[\],:]|true|false|null|-?\d[\d.eE+-]*/y;

/** After these (or at the start) a value must follow, so that none of `,:]}` may. `[` may be closed at once. */
const BEFORE_VALUE = new Set(['', ':', ',', '[']);

/**
 * Where a text stops being JSON, as an offset, for an error message that must not quote the text as V8's own messages do.
 * @param error - What `JSON.parse` threw. Undefined is returned where neither the error nor the text tells.
 * @internal
 */
export function jsonFaultAt(text: string, error: unknown): number | undefined {
  const message = error instanceof SyntaxError ? error.message : '';
  const position = / at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return Number(position);
  return message.startsWith('Unexpected end') ? text.length : unexpectedTokenAt(text);
}

/** The one fault for which V8 gives no position: a value is expected and something else stands there. All before it is good JSON. */
function unexpectedTokenAt(text: string): number | undefined {
  let before = '';
  let at = 0;
  while (at < text.length) {
    if (text[at] === '"') {
      const end = closingQuote(text, at + 1);
      if (end === -1) return undefined;
      before = '"';
      at = end + 1;
      continue;
    }
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return at;
    const isMisplaced = BEFORE_VALUE.has(before) && ',:]}'.includes(token) && !(before === '[' && token === ']');
    if (isMisplaced) return at;
    if (token.trim() !== '') before = token;
    at += token.length;
  }
  return undefined;
}
