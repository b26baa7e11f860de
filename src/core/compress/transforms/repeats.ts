import type { TextEdit } from '../compression.ts';
import type { Segment } from '../segment.ts';
import { type SegmentedText, TEXT_KINDS, type Transform } from '../transform.ts';
import { Excerpts, MIN_REPEAT_CHARACTERS, repeatedRunMark, repeatMark } from './repeat-mark.ts';

/**
 * A paragraph, or a run of them (a document), that has been there before, letter by letter, becomes a mark that names the first one by its first
 * words. Paragraphs end at blank lines and at tags in lines of their own; what is `unknown` is never taken for one.
 * @internal
 */
export const repeats: Transform = {
  id: 'repeats',
  version: 1,
  level: 'lossless',
  kinds: TEXT_KINDS,
  replacesWhole: true,
  apply,
};

interface Unit {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Position of the first unit with the same text: its own where it is that one. */
  readonly first: number;
}

function apply({ text, segments }: SegmentedText): readonly TextEdit[] {
  const units = unitsOf(text, segments);
  if (units.every(({ first }, index) => first === index)) return [];
  const excerpts = new Excerpts();
  for (const unit of units) excerpts.add(unit.text);
  const edits: TextEdit[] = [];
  for (let index = 0; index < units.length;) {
    const length = runLength(text, units, index);
    const [start, end] = [units[index], units[index + length - 1]];
    const mark = start === undefined || end === undefined || length === 0 ? undefined : markOf(start, end, excerpts);
    if (mark !== undefined && start !== undefined && end !== undefined && mark.length < end.end - start.start) {
      edits.push({ start: start.start, end: end.end, text: mark });
    }
    index += Math.max(1, length);
  }
  return edits;
}

function markOf(start: Unit, end: Unit, excerpts: Excerpts): string | undefined {
  const first = excerpts.of(start.text);
  const last = excerpts.of(end.text);
  if (first === undefined || last === undefined) return undefined;
  return start === end ? repeatMark(first) : repeatedRunMark(first, last);
}

/** How many units from here repeat units above that stand one behind the other in the same way; 0 where this one is the first of its kind. */
function runLength(text: string, units: readonly Unit[], from: number): number {
  let length = 0;
  for (;;) {
    const unit = units[from + length];
    const before = units[from + length - 1];
    if (unit === undefined || unit.first === from + length) return length;
    const isLong = unit.text.length >= MIN_REPEAT_CHARACTERS;
    if (length === 0 && !isLong) return 0;
    if (before !== undefined && length > 0) {
      const earlier = [units[unit.first - 1], units[unit.first]] as const;
      const isNext = unit.first === before.first + 1 && unit.first < from && isLong;
      const gap = text.slice(before.end, unit.start);
      if (!isNext || gap !== text.slice(earlier[0]?.end, earlier[1]?.start)) return length;
    }
    length += 1;
  }
}

function unitsOf(text: string, segments: readonly Segment[]): readonly Unit[] {
  const units: Unit[] = [];
  const firstOf = new Map<string, number>();
  let start = 0;
  let isKnown = true;
  const close = (end: number): void => {
    const unit = trimmed(text, start, end);
    if (unit.text === '' || !isKnown) return;
    const first = firstOf.get(unit.text) ?? units.length;
    firstOf.set(unit.text, first);
    units.push({ ...unit, first });
  };
  for (const segment of segments) {
    if (segment.kind === 'unknown') isKnown = false;
    if (segment.kind !== 'blank' && !isOwnLine(text, segment)) continue;
    close(segment.start);
    start = segment.end;
    isKnown = true;
  }
  close(text.length);
  return units;
}

/** A tag that has its line for itself parts documents. */
function isOwnLine(text: string, { kind, start, end }: Segment): boolean {
  if (kind !== 'tagged') return false;
  return (start === 0 || text.charAt(start - 1) === '\n') && (end === text.length || '\r\n'.includes(text.charAt(end)));
}

function trimmed(text: string, from: number, to: number): Pick<Unit, 'text' | 'start' | 'end'> {
  const piece = text.slice(from, to);
  const start = from + piece.length - piece.trimStart().length;
  const kept = piece.trim();
  return { text: kept, start, end: start + kept.length };
}
