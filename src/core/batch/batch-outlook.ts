import type { BatchDurations } from './batch-durations.ts';

/** What the prior is worth, in batches. Ours: a few batches say more than a guess. */
const PRIOR_WEIGHT = 2;

/**
 * How far back is looked, in milliseconds. Ours: who has seen nothing come back for a day sends no more batches, and would never learn that they come back
 * again; after a day only the prior is left, and is tried (`bench/deadlines.bench.ts`).
 */
const WINDOW_MS = 86_400_000;

/** No batch is expected to end sooner, in milliseconds. Ours. */
const SHORTEST_MS = 60_000;

/** By when a batch ends at the latest, in milliseconds: the `completion_window` of OpenAI, and Anthropic's limit. */
const LONGEST_MS = 86_400_000;

/** A piece of a curve: what holds from an age on until the next piece. */
interface Piece {
  readonly fromMs: number;
  /** The probability that a batch is not done at the beginning of the piece. */
  readonly survival: number;
  /** Batches that were watched at these ages. */
  readonly watched: number;
}

/** What is known of how long a batch will take: the probability that it is not done, by its age. Plain data. @public */
export type BatchOutlook = readonly Piece[];

/** A change in how many batches were watched, at an age. */
interface Turn {
  readonly atMs: number;
  readonly kind: 'enters' | 'ends' | 'leaves';
}

/** Of one age: who ends was watched until then, and who leaves outlived those who end. */
const ORDER = { ends: 0, leaves: 1, enters: 2 } as const;

/**
 * What is to be expected of batches, from those that ended lately and those under way: the estimator of Kaplan and Meier, with a prior that knows only that a
 * batch ends within a day, each doubling of its time as probable as any other. What of a batch lies further back than a day, or than ends are known, is
 * not counted: else those that last would seem to be most of all. Batches under way tell of a slow day before any of them has ended.
 * @param runningSinceMs - when each batch under way was submitted, in Unix milliseconds.
 * @public
 */
export function batchOutlook(
  { sinceMs, ends }: BatchDurations,
  runningSinceMs: readonly number[],
  nowMs: number,
): BatchOutlook {
  const fromMs = Math.max(sinceMs, nowMs - WINDOW_MS);
  const turns: Turn[] = [];
  const watch = (submittedAtMs: number, untilMs: number, kind: 'ends' | 'leaves'): void => {
    const enteredMs = Math.max(0, fromMs - submittedAtMs);
    if (untilMs <= enteredMs) return;
    turns.push({ atMs: enteredMs, kind: 'enters' }, { atMs: untilMs, kind });
  };
  for (const { endedAtMs, ms, isCensored } of ends) watch(endedAtMs - ms, ms, isCensored ? 'leaves' : 'ends');
  for (const submittedAtMs of runningSinceMs) watch(submittedAtMs, nowMs - submittedAtMs, 'leaves');
  turns.sort((left, right) => left.atMs - right.atMs || ORDER[left.kind] - ORDER[right.kind]);
  const pieces: Piece[] = [{ fromMs: 0, survival: 1, watched: 0 }];
  for (const { atMs, kind } of turns) {
    const last = pieces.at(-1) as Piece;
    const survival = survivalIn(last, atMs);
    const beyond = priorBeyond(atMs) + last.watched;
    const watched = last.watched + (kind === 'enters' ? 1 : -1);
    pieces.push({ fromMs: atMs, watched, survival: kind === 'ends' ? survival * ((beyond - 1) / beyond) : survival });
  }
  return pieces;
}

/**
 * How probable it is that a batch is done within a time, 0..1. One that has run longer than all that is known is not expected to end.
 * @param ms - from now on.
 * @param ranForMs - for how long it has been running.
 * @public
 */
export function probabilityDoneWithin(outlook: BatchOutlook, ms: number, ranForMs = 0): number {
  const fromMs = Math.max(0, ranForMs);
  const before = survivalAt(outlook, fromMs);
  return before <= 0 ? 0 : 1 - survivalAt(outlook, fromMs + Math.max(0, ms)) / before;
}

function survivalAt(outlook: BatchOutlook, ms: number): number {
  const piece = outlook.findLast(({ fromMs }) => fromMs <= ms);
  return piece === undefined ? 1 : survivalIn(piece, ms);
}

/** Within a piece only the prior's part ends. */
function survivalIn({ fromMs, survival, watched }: Piece, ms: number): number {
  const before = priorBeyond(fromMs) + watched;
  return before <= 0 ? survival : (survival * (priorBeyond(ms) + watched)) / before;
}

/** The weight of the prior beyond an age. */
function priorBeyond(ms: number): number {
  const ratio = Math.log(LONGEST_MS / Math.max(SHORTEST_MS, ms)) / Math.log(LONGEST_MS / SHORTEST_MS);
  return PRIOR_WEIGHT * Math.max(0, ratio);
}
