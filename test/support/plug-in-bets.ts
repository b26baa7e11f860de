import type { CalibratedThreshold, ScoredLoss } from '../../src/core/guard/calibrated-threshold.ts';
import type { LossStream, RunTerms } from './guard-replays.ts';

/** The largest bet, as a share of the one that could ruin. */
const LARGEST_SHARE_RATIO = 0.9;

/** Least variance that a bet reckons with. */
const LEAST_VARIANCE = 4e-4;

/**
 * What the guard is measured against, the bettor of the prototype: each bet is the best one for the mean and variance of the losses so far, beginning with
 * one loss of 0 and a variance of 1. Returns after how many losses there was enough evidence; Infinity: never.
 * @internal
 */
export function plugInSamplesNeeded({ side, limit, alpha, mostSamples }: RunTerms, stream: LossStream): number {
  const sign = side === 'certify' ? 1 : -1;
  const largest = LARGEST_SHARE_RATIO / (1 - sign * limit);
  let count = 1;
  let sum = 0;
  let squares = 1;
  let wealth = 1;
  for (let samples = 1; samples <= mostSamples; samples += 1) {
    const variance = Math.max(squares / count, LEAST_VARIANCE);
    const gap = sign * (limit - sum / count);
    const bet = Math.min(Math.max(gap / (variance + gap * gap), 0), largest);
    const loss = stream();
    wealth *= 1 + bet * sign * (limit - loss);
    if (wealth >= 1 / alpha) return samples;
    count += 1;
    sum += loss;
    squares += (loss - sum / count) ** 2;
  }
  return Infinity;
}

/** Fixed-sequence calibration with that bettor. @internal */
export function plugInThreshold(
  pairs: readonly ScoredLoss[],
  thresholds: readonly number[],
  maxQualityLoss: number,
  alpha: number,
): Pick<CalibratedThreshold, 'threshold'> | undefined {
  const terms = { side: 'certify', limit: maxQualityLoss, alpha, mostSamples: pairs.length } as const;
  const failed = thresholds.findIndex((threshold) => {
    const losses = pairs.map(({ score, loss }) => (score <= threshold ? loss : 0)).values();
    return plugInSamplesNeeded(terms, () => losses.next().value ?? 0) === Infinity;
  });
  const threshold = thresholds[(failed < 0 ? thresholds.length : failed) - 1];
  return threshold === undefined ? undefined : { threshold };
}
