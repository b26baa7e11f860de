const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;

/** Offset behind the line's line feed, or the end of the text. @internal */
export function lineEnd(text: string, at: number): number {
  const feed = text.indexOf('\n', at);
  return feed === -1 ? text.length : feed + 1;
}

/** Offset of the first character from here that is neither a space nor a tab. @internal */
export function skipIndent(text: string, at: number): number {
  let next = at;
  for (;;) {
    const code = text.charCodeAt(next);
    if (code !== SPACE && code !== TAB) return next;
    next += 1;
  }
}

/** Whether nothing but white space stands from here to the end of the line. @internal */
export function isBlankFrom(text: string, at: number): boolean {
  const next = skipIndent(text, at);
  const code = text.charCodeAt(next);
  return next >= text.length || code === LINE_FEED || (code === CARRIAGE_RETURN && isFeedOrEnd(text, next + 1));
}

/** The line that begins here, without its line break. @internal */
export function lineText(text: string, at: number, end: number): string {
  let last = end;
  if (last > at && text.charCodeAt(last - 1) === LINE_FEED) last -= 1;
  if (last > at && text.charCodeAt(last - 1) === CARRIAGE_RETURN) last -= 1;
  return text.slice(at, last);
}

function isFeedOrEnd(text: string, at: number): boolean {
  return at >= text.length || text.charCodeAt(at) === LINE_FEED;
}
