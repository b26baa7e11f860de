import type { DiffPart } from './text-diff.ts';

/** A line of a comparison, with its mark: ` ` in both, `-` before only, `+` after only. */
interface DiffLine {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** Lines around each change that are shown, as `diff -u` does. */
const CONTEXT_LINES = 3;

/** What no terminal shows: a reviewer has to see that it went. */
const UNSEEN = /[\p{Cf}\p{Zl}\p{Zp}\u00ad]|[^\P{Cc}\t\n]/gu;

/**
 * Writes a comparison as a unified diff, for people: characters that are not seen stand as `\u{200B}`. Empty where nothing changed.
 * @param name - stands in the head.
 * @public
 */
export function diffText(name: string, parts: readonly DiffPart[]): string {
  const lines = diffLines(parts);
  const places = linePlaces(lines);
  const hunks = hunkRanges(lines).map(({ start, end }) => hunkText(lines, places, start, end));
  return hunks.length === 0 ? '' : [`--- ${name}`, `+++ ${name}`, ...hunks].join('\n');
}

function diffLines(parts: readonly DiffPart[]): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let before = '';
  let after = '';
  const flush = (): void => {
    if (before === after) pushMarked(lines, ' ', before);
    else {
      pushMarked(lines, '-', before);
      pushMarked(lines, '+', after);
    }
    before = '';
    after = '';
  };
  for (const { kind, text } of parts) {
    // Only where both texts end a line are they at the same place.
    const pieces = kind === 'same' ? text.split(/(?<=\n)/u) : [text];
    for (const piece of pieces) {
      if (kind === 'same' && isLineStart(before) && isLineStart(after)) flush();
      if (kind !== 'added') before += piece;
      if (kind !== 'removed') after += piece;
      if (kind === 'same' && piece.endsWith('\n')) flush();
    }
  }
  flush();
  return grouped(lines);
}

function isLineStart(pending: string): boolean {
  return pending === '' || pending.endsWith('\n');
}

const RANKS: Readonly<Record<DiffLine['mark'], number>> = { ' ': 0, '-': 1, '+': 2 };

/** Of neighbouring changes first all that goes, then all that comes. */
function grouped(lines: readonly DiffLine[]): readonly DiffLine[] {
  let run = 0;
  const placed = lines.map((line) => {
    run += Number(line.mark === ' ');
    return { line, run, rank: RANKS[line.mark] };
  });
  return placed.toSorted((one, other) => one.run - other.run || one.rank - other.rank).map(({ line }) => line);
}

function pushMarked(lines: DiffLine[], mark: DiffLine['mark'], text: string): void {
  if (text === '') return;
  const whole = text.endsWith('\n') ? text.slice(0, -1) : text;
  for (const line of whole.split('\n')) lines.push({ mark, text: line });
}

function hunkRanges(lines: readonly DiffLine[]): readonly { readonly start: number; readonly end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  for (const [index, { mark }] of lines.entries()) {
    if (mark === ' ') continue;
    const start = Math.max(0, index - CONTEXT_LINES);
    const end = Math.min(lines.length, index + 1 + CONTEXT_LINES);
    const last = ranges.at(-1);
    if (last !== undefined && last.end >= start) last.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}

/** How many lines of either text stand before each line of the comparison. */
interface LinePlaces {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function linePlaces(lines: readonly DiffLine[]): LinePlaces {
  const before = [0];
  const after = [0];
  for (const [index, { mark }] of lines.entries()) {
    before.push((before[index] ?? 0) + Number(mark !== '+'));
    after.push((after[index] ?? 0) + Number(mark !== '-'));
  }
  return { before, after };
}

function hunkText(lines: readonly DiffLine[], { before, after }: LinePlaces, start: number, end: number): string {
  const range = (counts: readonly number[]): string => {
    const first = counts[start] ?? 0;
    const size = (counts[end] ?? 0) - first;
    return `${size === 0 ? first : first + 1},${size}`;
  };
  const shown = lines.slice(start, end).map(({ mark, text }) => mark + text.replace(UNSEEN, seen));
  return [`@@ -${range(before)} +${range(after)} @@`, ...shown].join('\n');
}

function seen(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}`;
}
