/** How long one batch took, or at least took. @public */
export interface BatchDuration {
  /** From its submission until its end, or for how long it was watched, in milliseconds. */
  readonly ms: number;
  /** Whether it took longer than that, nobody knows how much: it still runs, was cancelled, or expired. */
  readonly isCensored: boolean;
}

/** What is known of how long the batches of a provider take. Plain data, at most {@link MAX_OBSERVATIONS} long. @public */
export interface BatchDurations {
  /** The oldest first. */
  readonly observations: readonly BatchDuration[];
}

/** Nothing is known yet but that batches end within a day. @public */
export const NO_DURATIONS: BatchDurations = { observations: [] };

/** Most observations that are kept. Ours: older ones would weigh a thousandth, and a state must stay small. */
const MAX_OBSERVATIONS = 200;

/** After how many newer ones an observation counts half. Ours: providers have slow days, of which the latest batches tell (`bench/deadlines.bench.ts`). */
const HALF_LIFE = 20;

/** What the prior is worth, in observations. Ours: a few batches say more than a guess. */
const PRIOR_WEIGHT = 2;

/** No batch is taken to end sooner, in milliseconds. Ours. */
const SHORTEST_MS = 60_000;

/** By when a batch ends at the latest, in milliseconds: the `completion_window` of OpenAI and Anthropic's limit. */
const LONGEST_MS = 86_400_000;

/**
 * What is known after one more batch.
 * @param ms - from submission to its end, or to the moment at which it was given up.
 * @param isCensored - whether it had no end of its own by then.
 * @public
 */
export function observed(durations: BatchDurations, ms: number, isCensored: boolean): BatchDurations {
  const observations = [...durations.observations, { ms: Math.max(0, ms), isCensored }];
  return { observations: observations.slice(-MAX_OBSERVATIONS) };
}

/**
 * What is known beside batches under way: that they took as long as they have run tells of a slow day before any of them has ended. Not to be kept: their
 * ends will tell more.
 * @param agesMs - for how long each has been running.
 * @public
 */
export function withRunning(durations: BatchDurations, agesMs: readonly number[]): BatchDurations {
  return agesMs.reduce((known, ageMs) => observed(known, ageMs, true), durations);
}

/**
 * How probable it is that a batch ends within a time, 0..1.
 * @param ms - from now on.
 * @param ranForMs - for how long it has been running. A batch that has run longer than all that is known is not expected to end.
 * @public
 */
export function probabilityDoneWithin(durations: BatchDurations, ms: number, ranForMs = 0): number {
  const survives = survival(durations);
  const before = survives(Math.max(0, ranForMs));
  if (before <= 0) return 0;
  return Math.min(1, Math.max(0, 1 - survives(Math.max(0, ranForMs) + Math.max(0, ms)) / before));
}

/** Reads durations that were stored; none where it is something else. @public */
export function readDurations(stored: unknown): BatchDurations {
  if (typeof stored !== 'object' || stored === null || !('observations' in stored)) return NO_DURATIONS;
  const { observations } = stored;
  if (!Array.isArray(observations)) return NO_DURATIONS;
  return { observations: observations.filter(isDuration).slice(-MAX_OBSERVATIONS) };
}

function isDuration(value: unknown): value is BatchDuration {
  if (typeof value !== 'object' || value === null || !('ms' in value) || !('isCensored' in value)) return false;
  return typeof value.ms === 'number' && Number.isFinite(value.ms) && typeof value.isCensored === 'boolean';
}

interface WeighedDuration extends BatchDuration {
  readonly weight: number;
}

/**
 * The probability that a batch takes longer than a time: the estimator of Kaplan and Meier with a prior (Susarla and Van Ryzin 1976). What is known of a
 * censored batch is that it ended later: its weight goes to all that is later, the prior's part included.
 */
function survival({ observations }: BatchDurations): (ms: number) => number {
  const newest = observations.length - 1;
  const rising = observations
    .map((one, index): WeighedDuration => ({ ...one, weight: 2 ** ((index - newest) / HALF_LIFE) }))
    // Of equal times the ended first: what is censored took longer.
    .toSorted((left, right) => left.ms - right.ms || Number(left.isCensored) - Number(right.isCensored));
  // Summed from the end, so that nothing is left of rounding behind the last one.
  const beyond = [0];
  for (const { weight } of rising.toReversed()) beyond.push((beyond.at(-1) ?? 0) + weight);
  beyond.reverse();
  const total = PRIOR_WEIGHT + (beyond[0] ?? 0);
  return (ms) => {
    let [factor, endless, index] = [1, 0, 0];
    for (const { ms: atMs, isCensored, weight } of rising) {
      if (atMs > ms) break;
      index += 1;
      if (!isCensored) continue;
      const later = priorBeyond(atMs) + (beyond[index] ?? 0);
      if (later > 0) factor *= (later + weight) / later;
      else endless += factor * weight; // it outlived everything known: nothing says that such a batch ends
    }
    return (factor * (priorBeyond(ms) + (beyond[index] ?? 0)) + endless) / total;
  };
}

/** The weight of the prior beyond a time: each doubling between the shortest and the longest is as probable. */
function priorBeyond(ms: number): number {
  const ratio = Math.log(LONGEST_MS / Math.max(SHORTEST_MS, ms)) / Math.log(LONGEST_MS / SHORTEST_MS);
  return PRIOR_WEIGHT * Math.max(0, ratio);
}
