import { isInstruction } from './instructions.ts';
import type { ReadText, WordRange } from './read-text.ts';
import { isNumeric, termOf } from './vocabulary.ts';

/** A stretch of the text, as string offsets. @public */
export interface TextRange {
  readonly start: number;
  /** Offset behind the last character. */
  readonly end: number;
}

/** Units that are kept before all others, each list in the order in which it is to be kept. */
export interface PinnedUnits {
  /** What the caller pinned: may take the whole budget. */
  readonly byCaller: readonly number[];
  /** Instructions, then for each number of the question the best sentence that has it. */
  readonly byContent: readonly number[];
}

/** Finds the units that a caller pinned, instructions to the model, and what has the numbers and dates of the question. */
export function pinnedUnits(read: ReadText, order: readonly number[], pinned: readonly TextRange[]): PinnedUnits {
  const byCaller = overlapping(read, pinned);
  const instructions: number[] = [];
  read.units.forEach(({ kind, start, end }, unit) => {
    if (kind === 'sentence' && isInstruction(read.text.slice(start, end))) instructions.push(unit);
  });
  return { byCaller, byContent: [...new Set([...instructions, ...bestWithNumbers(read, order)])] };
}

function overlapping({ units }: ReadText, pinned: readonly TextRange[]): readonly number[] {
  const ranges = pinned.filter(({ start, end }) => end > start).toSorted((left, right) => left.start - right.start);
  const found: number[] = [];
  let next = 0;
  let reach = -1;
  units.forEach(({ start, end }, unit) => {
    while (next < ranges.length && (ranges[next] as TextRange).start < end) {
      reach = Math.max(reach, (ranges[next] as TextRange).end);
      next += 1;
    }
    if (reach > start) found.push(unit);
  });
  return found;
}

/** For each number of the question the best unit that has it. */
function bestWithNumbers(read: ReadText, order: readonly number[]): readonly number[] {
  const wanted = new Set(read.questionWords.filter(isNumeric).map(termOf));
  const found: number[] = [];
  for (const unit of order) {
    if (wanted.size === 0) break;
    const { from, to } = read.wordsOfUnit[unit] as WordRange;
    let has = false;
    for (let index = from; index < to; index += 1) has = wanted.delete(termOf(read.words[index] as number)) || has;
    if (has) found.push(unit);
  }
  return found;
}
