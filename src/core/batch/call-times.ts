/** How long live calls took lately. Plain data, at most {@link MAX_OBSERVATIONS} long. @public */
export interface CallTimes {
  /** In milliseconds, the oldest first. */
  readonly observations: readonly number[];
}

/** Nothing is known yet. @public */
export const NO_CALL_TIMES: CallTimes = { observations: [] };

/** Most observations that are kept. Ours. */
const MAX_OBSERVATIONS = 200;

/** How far above the mean a bound lies, in standard deviations of the logarithm: three are the 99.9th of a hundred; the rest is for what 200 calls cannot tell. Ours. */
const DEVIATIONS = 4;

/** How far above the longest one seen a bound lies: answers may be of two kinds, of which the long one is rare. Ours. */
const LONGEST_RATIO = 1.5;

/** Below how many observations nothing is believed that is shorter than {@link UNKNOWN_MS}. Ours. */
const FEW = 20;

/** What a call takes at the most while little is known, in milliseconds. Ours: long answers of current models are there within three minutes. */
const UNKNOWN_MS = 180_000;

/** What is known after one more call. @public */
export function callTook({ observations }: CallTimes, ms: number): CallTimes {
  return { observations: [...observations, Math.max(1, ms)].slice(-MAX_OBSERVATIONS) };
}

/**
 * How long a live call takes nearly always, in milliseconds: what a deadline must leave room for.
 * @param mostMs - after which a call is given up.
 * @public
 */
export function callTimeBound({ observations }: CallTimes, mostMs: number): number {
  const logarithms = observations.map(Math.log);
  const count = Math.max(1, logarithms.length);
  const mean = logarithms.reduce((sum, one) => sum + one, 0) / count;
  const variance = logarithms.reduce((sum, one) => sum + (one - mean) ** 2, 0) / count;
  const usualMs = Math.exp(mean + DEVIATIONS * Math.sqrt(variance));
  const longestMs = observations.reduce((longest, one) => Math.max(longest, one), 0) * LONGEST_RATIO;
  const leastMs = observations.length < FEW ? UNKNOWN_MS : 0;
  return Math.min(mostMs, Math.ceil(Math.max(usualMs, longestMs, leastMs)));
}
