import type { Segment, SegmentKind } from '../segment.ts';

/** Neighbours of one of these kinds are one segment. */
const JOINED: ReadonlySet<SegmentKind> = new Set<SegmentKind>([
  'prose',
  'list',
  'blank',
  'unknown',
  'code',
  'log',
  'quote',
]);

/** Segments as they are found, each beginning where the one before ended. @internal */
export class SegmentWriter {
  readonly segments: Segment[] = [];

  /** Offset behind the last segment. */
  get end(): number {
    return this.segments.at(-1)?.end ?? 0;
  }

  get lastKind(): SegmentKind | undefined {
    return this.segments.at(-1)?.kind;
  }

  /** Everything up to `end` that is not covered yet is of this kind. */
  write(kind: SegmentKind, end: number): void {
    const last = this.segments.at(-1);
    const start = last?.end ?? 0;
    if (end <= start) return;
    if (last?.kind === kind && JOINED.has(kind)) this.segments[this.segments.length - 1] = { ...last, end };
    else this.segments.push({ kind, start, end });
  }
}
