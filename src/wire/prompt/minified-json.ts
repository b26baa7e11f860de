import { QUOTE } from '../json-codes.ts';
import { closingQuote, isJsonSpace } from '../json-string.ts';

/**
 * The text of sound JSON without the white space between its tokens. It is read token by token, never parsed and printed, so numbers, escapes, order and
 * duplicates stay as they were written.
 * @internal
 */
export function minifiedJson(text: string): string {
  let result = '';
  let from = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = closingQuote(text, at + 1);
      at = end === -1 ? text.length : end + 1;
    } else if (isJsonSpace(code)) {
      result += text.slice(from, at);
      while (isJsonSpace(text.charCodeAt(at))) at += 1;
      from = at;
    } else at += 1;
  }
  return from === 0 ? text : result + text.slice(from);
}
