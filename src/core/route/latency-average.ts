/** A target's time to first byte, averaged; plain data. @public */
export interface LatencyAverage {
  readonly averageMs: number;
  /** Monotonic time of the last observation. */
  readonly observedAtMs: number;
}

/** After this time half of what an average says is forgotten. */
const HALF_LIFE_MS = 10_000;

/** A failure counts as so many times the average, within bounds: a server that refuses connections is quick and still the last to be asked. */
const FAILURE_FACTOR = 4;
const LEAST_FAILURE_MS = 5000;
/** Beyond this more failures change nothing, so that a target is found again soon after the last of them. */
const MOST_FAILURE_MS = 30_000;

/**
 * Takes an observation into an average, with an eye on peaks: one that is slower than what the average has faded to counts in full at once, a faster one
 * the more the longer ago the last was. So a target that turns slow is left within one call, and one that turns fast is believed soon.
 * @param average - undefined: nothing was observed so far.
 * @param nowMs - monotonic; a time before the last observation counts as that.
 * @public
 */
export function observe(average: LatencyAverage | undefined, sampleMs: number, nowMs: number): LatencyAverage {
  if (average === undefined) return { averageMs: sampleMs, observedAtMs: nowMs };
  const above = Math.max(0, fadedMs(average, nowMs) - sampleMs);
  return {
    averageMs: sampleMs + above * keptRatio(average, nowMs),
    observedAtMs: Math.max(nowMs, average.observedAtMs),
  };
}

/**
 * Takes a failure into an average, however quickly it came.
 * @param elapsedMs - time until it failed.
 * @public
 */
export function observeFailure(average: LatencyAverage | undefined, elapsedMs: number, nowMs: number): LatencyAverage {
  const penaltyMs = Math.max(LEAST_FAILURE_MS, FAILURE_FACTOR * (average?.averageMs ?? 0));
  return observe(average, Math.max(elapsedMs, Math.min(penaltyMs, MOST_FAILURE_MS)), nowMs);
}

/** What an average is still worth: it halves every 10 s without an observation, so that what was slow is tried again. @public */
export function fadedMs(average: LatencyAverage, nowMs: number): number {
  return average.averageMs * keptRatio(average, nowMs);
}

function keptRatio({ observedAtMs }: LatencyAverage, nowMs: number): number {
  return 0.5 ** (Math.max(0, nowMs - observedAtMs) / HALF_LIFE_MS);
}
