import type { CountTokens } from '../tokens/count-tokens.ts';
import { applyEdits } from './apply-edits.ts';
import type { TextEdit } from './compression.ts';

/** Tokens reach over the ends of an edit, but hardly further than this. */
const WINDOW_CHARACTERS = 24;
/** Edits are weighed in at most as many groups, so that weighing never costs more than counting the text a few times. */
const MAX_GROUPS = 256;

/** Those of a transform's edits that save tokens where they stand. The text as a whole is counted by the caller. @internal */
export function savingEdits(text: string, edits: readonly TextEdit[], count: CountTokens): readonly TextEdit[] {
  if (edits.length < 2) return edits;
  const size = Math.ceil(edits.length / MAX_GROUPS);
  const kept: TextEdit[] = [];
  for (let from = 0; from < edits.length; from += size) {
    const group = edits.slice(from, from + size);
    if (savesTokens(text, group, count)) kept.push(...group);
  }
  return kept;
}

function savesTokens(text: string, group: readonly TextEdit[], count: CountTokens): boolean {
  const [first, last] = [group[0], group.at(-1)];
  if (first === undefined || last === undefined) return false;
  const start = Math.max(0, first.start - WINDOW_CHARACTERS);
  const window = text.slice(start, last.end + WINDOW_CHARACTERS);
  const moved = group.map((edit) => ({ ...edit, start: edit.start - start, end: edit.end - start }));
  return count(applyEdits(window, moved)) < count(window);
}
