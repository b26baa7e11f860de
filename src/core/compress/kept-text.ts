import type { TextEdit } from './compression.ts';
import type { CutPlaces } from './cut-places.ts';

/** A stretch of a text that is kept, as offsets. @internal */
export interface KeptRange {
  readonly start: number;
  readonly end: number;
}

/** A text with all but some ranges taken out. @internal */
export interface KeptText {
  readonly text: string;
  /** What was put in the place of what was taken out. */
  readonly edits: readonly TextEdit[];
}

/**
 * Takes everything out of a text but some ranges (in order, apart from each other), and puts a mark where something was; fences that were cut are closed and
 * opened again.
 * @internal
 */
export function keptText(places: CutPlaces, kept: readonly KeptRange[], mark: string): KeptText {
  const { text } = places;
  const parts: string[] = [];
  const edits: TextEdit[] = [];
  let from = 0;
  for (const range of [...kept, { start: text.length, end: text.length }]) {
    if (range.start > from) {
      const edit = { start: from, end: range.start, text: gapText(places, from, range.start, mark) };
      edits.push(edit);
      parts.push(edit.text);
    }
    parts.push(text.slice(range.start, range.end));
    from = range.end;
  }
  return { text: parts.join(''), edits };
}

function gapText(places: CutPlaces, start: number, end: number, mark: string): string {
  const { text } = places;
  const closing = start === 0 ? '' : places.closing(start);
  const opening = end === text.length ? '' : places.opening(end);
  if (mark === '') return closing + opening;
  const isLineBefore = start === 0 || closing !== '' || text[start - 1] === '\n';
  const isLineAfter = opening !== '' || (end < text.length && text[end - 1] === '\n');
  const isSpaceBefore = isLineBefore || isSpace(text[start - 1]);
  const isSpaceAfter = end === text.length || isSpace(text[end]);
  return `${closing}${isSpaceBefore ? '' : ' '}${mark}${isLineAfter ? '\n' : isSpaceAfter ? '' : ' '}${opening}`;
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r';
}
