import { applyEdits } from './apply-edits.ts';
import type { CompressionStep } from './compression.ts';

/** A stretch that was replaced, and what by; `''` for nothing. @public */
export interface TextChange {
  readonly removed: string;
  readonly added: string;
}

/** What each step of a compression took out and put in, by index of the step. @public */
export function stepChanges(text: string, steps: readonly CompressionStep[]): readonly (readonly TextChange[])[] {
  let current = text;
  return steps.map(({ edits }) => {
    const source = current;
    current = applyEdits(source, edits);
    return edits.map((edit) => ({ removed: source.slice(edit.start, edit.end), added: edit.text }));
  });
}
