/** A template marker is short, and stands within a line. */
const MAX_LENGTH = 500;
const NAME = /\{[A-Za-z_0-9][\w.:!-]{0,80}\}/y;
const SHELL_NAME = /\$[A-Z_][A-Z0-9_]{1,80}/y;
const FORMAT = /%(?:\(\w{1,64}\)|\d{1,2}\$)?[-+0#]?\d{0,3}(?:\.\d{1,3})?[sdifouxXeEgGcr@](?![A-Za-z0-9])/y;

/** Offset behind the template marker that begins here; -1 where there is none. @internal */
export function templateEnd(text: string, at: number): number {
  switch (text.charAt(at)) {
    case '{':
      if (text.charAt(at + 1) === '{') return closed(text, at, '}}');
      if (text.charAt(at + 1) === '%') return closed(text, at, '%}');
      if (text.charAt(at + 1) === '#') return closed(text, at, '#}');
      return matched(NAME, text, at);
    case '$':
      return text.charAt(at + 1) === '{' ? closed(text, at, '}') : matched(SHELL_NAME, text, at);
    case '%':
      return matched(FORMAT, text, at);
    default:
      return -1;
  }
}

function closed(text: string, at: number, closer: string): number {
  const window = text.slice(at, at + MAX_LENGTH);
  const found = window.indexOf(closer);
  const feed = window.indexOf('\n');
  return found === -1 || (feed !== -1 && feed < found) ? -1 : at + found + closer.length;
}

function matched(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at;
  return expression.test(text) ? expression.lastIndex : -1;
}
