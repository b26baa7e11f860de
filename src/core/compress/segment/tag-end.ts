/** A tag with its attributes, or a comment, is not longer. */
const MAX_LENGTH = 2000;
const NAME = /<\/?[A-Za-z_][\w.:-]{0,100}(?=[\s/>])/y;
const URL_SCHEME = /<(?:https?|ftp|mailto):/iy;

/** Offset behind the tag, comment or instruction in angle brackets that begins here; -1 where there is none. @internal */
export function tagEnd(text: string, at: number): number {
  const window = text.slice(at, at + MAX_LENGTH);
  if (window.startsWith('<!--')) return closedBy(window, '-->', at);
  if (window.startsWith('<%')) return closedBy(window, '%>', at);
  if (window.startsWith('<?')) return closedBy(window, '?>', at);
  URL_SCHEME.lastIndex = at;
  NAME.lastIndex = at;
  if (URL_SCHEME.test(text) || !NAME.test(text)) return -1;
  const close = window.indexOf('>');
  const next = window.indexOf('<', 1);
  return close === -1 || (next !== -1 && next < close) ? -1 : at + close + 1;
}

function closedBy(window: string, closer: string, at: number): number {
  const found = window.indexOf(closer);
  return found === -1 ? -1 : at + found + closer.length;
}
