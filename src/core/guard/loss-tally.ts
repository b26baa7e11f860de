/** Parts of one that a loss is rounded to: sums of them are exact, in whatever order samples come. Ours; a power of two. */
const PARTS_OF_ONE = 2 ** 20;

/** A normal variable lies within so many deviations of its mean 95 times in 100. */
const DEVIATIONS_OF_95_PERCENT = 1.96;

/** Losses of quality, summed up: how many there are, the sum of those above zero, and the sum of those below it without its sign. @public */
export type LossTally = readonly [samples: number, worse: number, better: number];

/** No loss yet. @internal */
export const NO_LOSSES: LossTally = [0, 0, 0];

/** A mean with an interval. @public */
export interface MeanLoss {
  readonly samples: number;
  readonly mean: number;
  /** Lower end of the plain 95 % interval: right for one look, not for many. */
  readonly low: number;
  readonly high: number;
}

/** Adds a loss from -1 to 1, to the nearest 2^-20. @internal */
export function addLoss([samples, worse, better]: LossTally, loss: number): LossTally {
  const rounded = Math.round(loss * PARTS_OF_ONE) / PARTS_OF_ONE;
  return [samples + 1, worse + Math.max(rounded, 0), better + Math.max(-rounded, 0)];
}

/**
 * The mean of losses with its plain 95 % interval. Exact for whole losses; the variance of others is taken too large, since no square of a loss is more
 * than its size. Undefined without samples.
 * @internal
 */
export function meanLoss([samples, worse, better]: LossTally): MeanLoss | undefined {
  if (samples === 0) return undefined;
  const mean = (worse - better) / samples;
  const variance = Math.max((worse + better) / samples - mean * mean, 0);
  const reach = DEVIATIONS_OF_95_PERCENT * Math.sqrt(variance / samples);
  return { samples, mean, low: Math.max(mean - reach, -1), high: Math.min(mean + reach, 1) };
}
