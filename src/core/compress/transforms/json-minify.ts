import type { TextEdit } from '../compression.ts';
import type { Segment, SegmentKind } from '../segment.ts';
import { isJsonSpace, jsonStringEnd } from '../segment/json-span.ts';
import { lineEnd } from '../segment/lines.ts';
import type { Transform } from '../transform.ts';

const JSON_KINDS: ReadonlySet<SegmentKind> = new Set<SegmentKind>(['json', 'json-fence']);

/**
 * JSON without the white space between its tokens. The text is read token by token and never parsed and printed: numbers keep their digits, strings
 * their escapes, objects their doubled keys and their order.
 * @internal
 */
export const jsonMinify: Transform = {
  id: 'json-minify',
  version: 1,
  level: 'lossless',
  kinds: JSON_KINDS,
  apply: ({ text, segments }) =>
    segments.flatMap((segment): readonly TextEdit[] => {
      const content = jsonContent(text, segment);
      if (content === undefined) return [];
      const { start, end } = content;
      const minified = minifiedJson(text.slice(start, end));
      return minified.length < end - start ? [{ start, end, text: minified }] : [];
    }),
};

/** Where the JSON of a segment stands, without fences; undefined where it is none. @internal */
export function jsonContent(
  text: string,
  segment: Segment,
): { readonly start: number; readonly end: number } | undefined {
  if (segment.kind === 'json') return segment;
  if (segment.kind !== 'json-fence') return undefined;
  // Its last line is the closing fence, with or without a line break behind.
  const closing = text.lastIndexOf('\n', segment.end - 2);
  return { start: lineEnd(text, segment.start), end: Math.max(lineEnd(text, segment.start), closing) };
}

/** JSON that is known to be valid, without the white space between its tokens. @internal */
export function minifiedJson(json: string): string {
  const pieces: string[] = [];
  let kept = 0;
  let at = 0;
  while (at < json.length) {
    const code = json.charCodeAt(at);
    if (code === 34) {
      const end = jsonStringEnd(json, at);
      // Never below 0 in valid JSON; the rest then stays as it is.
      if (end === -1) break;
      at = end;
    } else if (isJsonSpace(code)) {
      pieces.push(json.slice(kept, at));
      while (isJsonSpace(json.charCodeAt(at))) at += 1;
      kept = at;
    } else at += 1;
  }
  pieces.push(json.slice(kept));
  return pieces.join('');
}
