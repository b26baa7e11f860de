import { FarthingError } from '../errors.ts';
import { exactLossTest } from './exact-loss-test.ts';
import { gradedLossTest } from './graded-loss-test.ts';

/** A loss that is above a whole number by no more than this is that number: what is left of sums of decimals. Ours. */
const ROUNDING = 1e-9;

/** A judged pair of answers. @public */
export interface ScoredLoss {
  /** The call's score: the higher, the more it needs the strong target. */
  readonly score: number;
  /** Quality of the strong target's answer less that of the cheap one, from -1 to 1. */
  readonly loss: number;
}

/** What a calibration must show, and of which thresholds. @public */
export interface CalibrationOptions {
  /** Most mean loss over all calls, from 0 to below 1. */
  readonly maxQualityLoss: number;
  /** At most this chance of a threshold that loses more: 0.1 is confidence 0.9. Above 0, below 1. */
  readonly alpha: number;
  /** What may be certified, rising. Fixed before the losses were seen: of other rows, such as those that the score was trained on. */
  readonly thresholds: readonly number[];
  /**
   * `whole`: qualities are 0 or 1. An exact test; losses between are rounded up, which is safe and weak. `graded`: any; a betting test, which needs about
   * twice as many pairs. Must not depend on the pairs.
   * @defaultValue 'whole'
   */
  readonly losses?: 'whole' | 'graded';
}

/** Up to which score calls may go to the cheap target. @public */
export interface CalibratedThreshold {
  readonly threshold: number;
  /** Which of the thresholds it is, from 0. */
  readonly step: number;
  /** Share of the pairs with a score up to it. */
  readonly shareRatio: number;
}

/**
 * Finds the largest threshold that a fixed set of judged pairs certifies, by fixed-sequence testing: each threshold in turn is tested at alpha (calls
 * above it lose nothing, as the strong target answers them), and the first that fails ends it.
 *
 * Theorem (Maurer, Hothorn and Lehmacher 1995; "learn then test", Angelopoulos and others 2021). Let pairs be independent draws of the traffic. A threshold
 * that loses too much can only be returned if the first such one in the sequence passes its own test, the chance of which is at most alpha.
 *
 * @param pairs - judged pairs that had no part in training the score.
 * @returns undefined where nothing passes: everything goes to the strong target.
 * @throws FarthingError `configuration` for options or pairs that make no sense.
 * @public
 */
export function calibratedThreshold(
  pairs: readonly ScoredLoss[],
  options: CalibrationOptions,
): CalibratedThreshold | undefined {
  return thresholdCalibration(pairs.length, options)(pairs);
}

/** The same for many sets of pairs of one size: what the test needs is worked out once. @internal */
export function thresholdCalibration(
  samples: number,
  options: CalibrationOptions,
): (pairs: readonly ScoredLoss[]) => CalibratedThreshold | undefined {
  checkOptions(options);
  if (samples === 0) return () => undefined;
  const { thresholds } = options;
  const passes = stepTest(samples, options);
  return (pairs) => {
    checkPairs(pairs);
    const failed = thresholds.findIndex(
      (threshold) => !passes(pairs.map(({ score, loss }) => (score <= threshold ? loss : 0))),
    );
    const step = failed < 0 ? thresholds.length - 1 : failed - 1;
    const threshold = thresholds[step];
    if (threshold === undefined) return undefined;
    return { threshold, step, shareRatio: pairs.filter(({ score }) => score <= threshold).length / pairs.length };
  };
}

/**
 * Thresholds for a calibration: the scores below which equal shares of the given ones lie.
 * @param scores - of other rows than those that calibrate.
 * @param steps - how many; fewer come back where scores are alike.
 * @public
 */
export function thresholdGrid(scores: readonly number[], steps: number): readonly number[] {
  const sorted = scores.toSorted((left, right) => left - right);
  const grid = Array.from(
    { length: steps },
    (_step, index) => sorted[Math.ceil(((index + 1) / steps) * sorted.length) - 1],
  );
  return [...new Set(grid.filter((threshold) => threshold !== undefined))];
}

function stepTest(samples: number, options: CalibrationOptions): (losses: readonly number[]) => boolean {
  const { maxQualityLoss, alpha, losses: kind = 'whole' } = options;
  if (kind === 'graded') return gradedLossTest(samples, maxQualityLoss, alpha);
  const passes = exactLossTest(samples, maxQualityLoss, alpha);
  return (losses) => {
    let worse = 0;
    let better = 0;
    for (const loss of losses) {
      const whole = Math.ceil(loss - ROUNDING);
      if (whole > 0) worse += 1;
      else if (whole < 0) better += 1;
    }
    return passes(worse, better);
  };
}

function checkOptions({ maxQualityLoss, alpha, thresholds }: CalibrationOptions): void {
  if (!(maxQualityLoss >= 0 && maxQualityLoss < 1)) {
    throw new FarthingError('configuration', `maxQualityLoss must be from 0 to below 1, not ${maxQualityLoss}`);
  }
  if (!(alpha > 0 && alpha < 1))
    throw new FarthingError('configuration', `alpha must be between 0 and 1, not ${alpha}`);
  const isRising = thresholds.every((threshold, step) => !(threshold <= (thresholds[step - 1] ?? -Infinity)));
  if (!isRising || thresholds.some(Number.isNaN)) throw new FarthingError('configuration', 'thresholds must rise');
}

function checkPairs(pairs: readonly ScoredLoss[]): void {
  const wrong = pairs.find(({ score, loss }) => Number.isNaN(score) || !(loss >= -1 && loss <= 1));
  if (wrong === undefined) return;
  throw new FarthingError('configuration', `not a judged pair: score ${wrong.score}, loss ${wrong.loss}`);
}
