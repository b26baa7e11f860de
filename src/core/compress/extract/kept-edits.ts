import type { TextEdit } from '../compression.ts';
import type { TextUnits } from './text-units.ts';

/** A stretch that can be kept: a unit, or a frame's heading or tag. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  /** Of the unit, else -1: leaving out a frame's heading or tag leaves no gap. */
  readonly unit: number;
  /** Of the frame, else -1. */
  readonly frame: number;
}

/** What of a text is kept. */
export interface Kept {
  /** 1 for each unit that is. */
  readonly units: Uint8Array;
  /** 1 for each frame that is. */
  readonly frames: Uint8Array;
}

/** What stands where something was left out. */
export interface GapMarks {
  /** `''` for none. */
  readonly mark: string;
  /** Whether the beginning and the end of the text are marked as well. */
  readonly areEndsMarked: boolean;
}

/** All stretches of a text that can be kept, in order. */
export function piecesOf({ units, frames }: TextUnits): readonly Piece[] {
  const pieces: Piece[] = units.map(({ start, end }, unit) => ({ start, end, unit, frame: -1 }));
  frames.forEach(({ start, end, closeStart, closeEnd }, frame) => {
    pieces.push({ start, end, unit: -1, frame });
    if (closeEnd > closeStart) pieces.push({ start: closeStart, end: closeEnd, unit: -1, frame });
  });
  return pieces.toSorted((left, right) => left.start - right.start);
}

/** The edits that leave out all that is not kept; what is kept and follows on each other keeps the space between. */
export function keptEdits(
  text: string,
  pieces: readonly Piece[],
  kept: Kept,
  { mark, areEndsMarked }: GapMarks,
): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  const endMark = areEndsMarked ? mark : '';
  let end = 0;
  let isBegun = false;
  // A text of white space has no pieces at all.
  let isCut = pieces.length === 0;
  let isGap = false;
  for (const piece of pieces) {
    const isKept = (piece.unit >= 0 ? kept.units[piece.unit] : kept.frames[piece.frame]) === 1;
    if (!isKept) {
      isCut = true;
      isGap ||= piece.unit >= 0;
      continue;
    }
    if (isCut) {
      const between = text.slice(end, piece.start);
      const joint = isBegun ? jointOf(between, isGap ? mark : '') : leadOf(between, isGap ? endMark : '');
      edits.push({ start: end, end: piece.start, text: joint });
    }
    end = piece.end;
    isBegun = true;
    isCut = false;
    isGap = false;
  }
  if (isCut)
    edits.push({ start: end, end: text.length, text: isBegun ? trailOf(text.slice(end), isGap ? endMark : '') : '' });
  return edits;
}

/** The text after edits that are in order and do not overlap. */
export function edited(text: string, edits: readonly TextEdit[]): string {
  const parts: string[] = [];
  let end = 0;
  for (const edit of edits) {
    parts.push(text.slice(end, edit.start), edit.text);
    end = edit.end;
  }
  parts.push(text.slice(end));
  return parts.join('');
}

/** The mark stands on a line of its own between paragraphs, else after the sentence: both cost one token. */
function jointOf(between: string, mark: string): string {
  const space = spaceOf(between);
  if (mark === '') return space;
  return space === '\n\n' ? `\n\n${mark}\n\n` : ` ${mark}${space}`;
}

function leadOf(between: string, mark: string): string {
  return mark === '' ? '' : `${mark}${spaceOf(between)}`;
}

function trailOf(between: string, mark: string): string {
  if (mark === '') return '';
  return `${spaceOf(between) === '\n\n' ? '\n\n' : ' '}${mark}`;
}

/** The widest space in what was left out. */
function spaceOf(between: string): string {
  if (/\n[ \t\r]*\n/.test(between)) return '\n\n';
  return between.includes('\n') ? '\n' : ' ';
}
