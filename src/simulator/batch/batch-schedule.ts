import type { Random } from '../../ports/clock.ts';
import { logNormal } from '../chance.ts';
import type { BatchBehaviour } from './batch-options.ts';

/** When things happen to a batch if nobody cancels it, in simulated Unix milliseconds. @internal */
export interface BatchSchedule {
  readonly createdAtMs: number;
  /** Until then its lines are looked at, where the provider does that. */
  readonly validatedAtMs: number;
  /** The last row is answered. */
  readonly rowsEndMs: number;
  /** Its results are there. Beyond `expiresAtMs`: it expires. */
  readonly endsAtMs: number;
  readonly expiresAtMs: number;
  /** Share of its rows that are ever answered. */
  readonly answeredRatio: number;
}

/** Parts of a batch's duration: looking at its lines before, and gathering the results after. Assumptions. */
const VALIDATING_RATIO = 0.05;
const FINALIZING_RATIO = 0.05;

/** Draws what will happen to a batch. @internal */
export function drawSchedule(random: Random, behaviour: BatchBehaviour, nowMs: number): BatchSchedule {
  const { neverRatio, slowRatio, medianMs, slowMedianMs, spreadSigma, windowMs } = behaviour;
  const isStuck = random.fraction() < neverRatio;
  const median = random.fraction() < slowRatio ? slowMedianMs : medianMs;
  const durationMs = Math.round(logNormal(random, median, spreadSigma));
  const stuckAt = random.fraction();
  return {
    createdAtMs: nowMs,
    validatedAtMs: nowMs + Math.floor(durationMs * VALIDATING_RATIO),
    rowsEndMs: nowMs + Math.floor(durationMs * (1 - FINALIZING_RATIO)),
    endsAtMs: isStuck ? Infinity : nowMs + durationMs,
    expiresAtMs: nowMs + windowMs,
    answeredRatio: isStuck ? stuckAt : 1,
  };
}

/** How many of so many rows are answered by a moment. @internal */
export function rowsDue(schedule: BatchSchedule, rows: number, nowMs: number): number {
  const { validatedAtMs, rowsEndMs, expiresAtMs, answeredRatio } = schedule;
  const atMs = Math.min(nowMs, expiresAtMs);
  if (atMs < validatedAtMs) return 0;
  const passed = atMs >= rowsEndMs ? 1 : (atMs - validatedAtMs) / (rowsEndMs - validatedAtMs);
  return Math.floor(rows * Math.min(passed, answeredRatio));
}
