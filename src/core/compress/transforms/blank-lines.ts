import type { TextEdit } from '../compression.ts';
import type { SegmentKind } from '../segment.ts';
import type { Transform } from '../transform.ts';

/** Two blank lines may part chapters (and functions); three or more say no more than one. */
const MIN_LINES = 3;
const BLANK: ReadonlySet<SegmentKind> = new Set<SegmentKind>(['blank']);

/** Three or more blank lines become one. @internal */
export const blankLines: Transform = {
  id: 'blank-lines',
  version: 1,
  level: 'lossless',
  kinds: BLANK,
  apply: ({ text, segments }) =>
    segments.flatMap(({ kind, start, end }): readonly TextEdit[] => {
      if (kind !== 'blank') return [];
      const blank = text.slice(start, end);
      if (blank.split('\n').length <= MIN_LINES) return [];
      return [{ start, end, text: blank.includes('\r\n') ? '\r\n' : '\n' }];
    }),
};
