import type { Segment } from '../segment.ts';

/** A text of which this part is code is a source file: what stands between its pieces are comments and docstrings. */
const MIN_CODE_RATIO = 0.6;

/**
 * Joins code across the blank lines within it. Where most of a text is code, everything from its first code to its last is.
 * @internal
 */
export function codeJoined(segments: readonly Segment[], length: number): readonly Segment[] {
  const first = segments.findIndex(({ kind }) => kind === 'code');
  if (first === -1) return segments;
  const last = segments.findLastIndex(({ kind }) => kind === 'code');
  const codeLength = segments.reduce((sum, { kind, start, end }) => (kind === 'code' ? sum + end - start : sum), 0);
  if (codeLength >= MIN_CODE_RATIO * length) return spanned(segments, first, last);
  const joined: Segment[] = [];
  for (const segment of segments) {
    const before = joined.at(-2);
    if (segment.kind === 'code' && joined.at(-1)?.kind === 'blank' && before?.kind === 'code') {
      joined.splice(-2, 2, { ...before, end: segment.end });
    } else joined.push(segment);
  }
  return joined;
}

function spanned(segments: readonly Segment[], first: number, last: number): readonly Segment[] {
  const [from, to] = [segments[first], segments[last]];
  if (from === undefined || to === undefined) return segments;
  return [...segments.slice(0, first), { ...from, end: to.end }, ...segments.slice(last + 1)];
}
