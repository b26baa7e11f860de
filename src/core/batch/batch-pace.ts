import { type BatchOutlook, probabilityDoneWithin } from './batch-outlook.ts';

/** For how long a queue gathers at the most before it is submitted, in milliseconds. Ours: few batches are back within minutes. @public */
export const MAX_GATHER_MS = 60_000;

/** The part of the time that is left which a queue may spend on gathering. Ours: what is lost so is a fiftieth of what a batch may take. */
const GATHER_RATIO = 0.02;

/** Pauses between two looks at a batch, in milliseconds. Ours: looks are free, and providers limit how many there may be a minute. */
const SHORTEST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 300_000;

/** How much longer a batch may be taken to run than it does, as a part of its age. Ours. */
const PAUSE_RATIO = 0.1;

/**
 * How long before its calls are asked live a batch is looked at once more, in milliseconds: its end must be seen and its results be read by then. Ours: a
 * file of 200 MB takes seconds. It is `pollMs` of a plan.
 * @public
 */
export const LAST_LOOK_MS = 30_000;

/** From which probability on a batch is left to end by itself although nobody waits for it. Ours. */
const KEPT_FROM = 0.5;

/**
 * For how long a queue may gather, from its oldest call on, before it is submitted.
 * @param slackMs - what is left of the most urgent call's time before it must be asked live; undefined: nothing is urgent.
 * @param isFull - whether what waits fills a batch.
 * @public
 */
export function gatherTime(slackMs: number | undefined, isFull: boolean, maxGatherMs: number = MAX_GATHER_MS): number {
  if (isFull) return 0;
  return slackMs === undefined ? maxGatherMs : Math.min(maxGatherMs, Math.max(0, slackMs * GATHER_RATIO));
}

/**
 * For how long to wait before a batch is looked at again.
 * @param ageMs - since it was submitted.
 * @param untilLiveMs - until the first of its calls is asked live; undefined: none is. One look falls {@link LAST_LOOK_MS} before.
 * @public
 */
export function pollPause(ageMs: number, untilLiveMs: number | undefined): number {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, ageMs * PAUSE_RATIO));
  const lastLookMs = (untilLiveMs ?? Number.POSITIVE_INFINITY) - LAST_LOOK_MS;
  return lastLookMs > 0 ? Math.min(pauseMs, lastLookMs) : pauseMs;
}

/** What a batch is still good for. @public */
export interface BatchUse {
  /** Its calls that wait for nothing but it. */
  readonly waiting: number;
  /** Its calls that are being asked live. */
  readonly live: number;
  /** Since it was submitted, in milliseconds. */
  readonly ageMs: number;
  /** How long a live call takes, in milliseconds. */
  readonly liveMs: number;
}

/**
 * Whether a batch is left running. Where all of its calls are asked live, what it has not begun need not be paid; but a batch that is about to end has done
 * its work, and is of use should a live call fail.
 * @public
 */
export function keepsRunning({ waiting, live, ageMs, liveMs }: BatchUse, outlook: BatchOutlook): boolean {
  if (waiting > 0) return true;
  return live > 0 && probabilityDoneWithin(outlook, liveMs, ageMs) >= KEPT_FROM;
}
