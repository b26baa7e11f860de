import type { TextEdit } from './compression.ts';
import type { Segment, SegmentKind } from './segment.ts';
import { TEXT_KINDS, type Transform } from './transform.ts';

/** The edits that lie where their transform may touch anything. @internal */
export function allowedEdits(
  edits: readonly TextEdit[],
  segments: readonly Segment[],
  transform: Transform,
): readonly TextEdit[] {
  let first = 0;
  return edits.filter((edit) => {
    while ((segments[first]?.end ?? Infinity) <= edit.start) first += 1;
    for (let index = first; index < segments.length; index += 1) {
      const segment = segments[index];
      if (segment === undefined || segment.start >= edit.end) return true;
      const isCovered = edit.start <= segment.start && segment.end <= edit.end;
      if (!transform.kinds.has(segment.kind) && !(transform.replacesWhole === true && isCovered)) return false;
    }
    return true;
  });
}

/**
 * Whether everything that must not be touched is still seen as what it was, after edits. An edit beside it may have made something else of it (joined
 * a URL with the word behind it, closed a fence), and the next transform would then touch it.
 * @param before - segments of the text before the edits.
 * @param after - segments of the text after them.
 * @internal
 */
export function keepsSegments(
  before: readonly Segment[],
  edits: readonly TextEdit[],
  after: readonly Segment[],
): boolean {
  let nextEdit = 0;
  let nextAfter = 0;
  let moved = 0;
  for (const { kind, start, end } of before) {
    for (let edit = edits[nextEdit]; edit !== undefined && edit.end <= start; edit = edits[nextEdit]) {
      moved += edit.text.length - (edit.end - edit.start);
      nextEdit += 1;
    }
    const isEdited = (edits[nextEdit]?.start ?? Infinity) < end;
    if (TEXT_KINDS.has(kind) || isEdited) continue;
    while ((after[nextAfter]?.end ?? Infinity) <= start + moved) nextAfter += 1;
    if (!holds(after[nextAfter], kind, start + moved, end + moved)) return false;
  }
  return true;
}

function holds(segment: Segment | undefined, kind: SegmentKind, start: number, end: number): boolean {
  return segment !== undefined && segment.kind === kind && segment.start <= start && segment.end >= end;
}
