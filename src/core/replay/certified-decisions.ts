import { calibratedThreshold, thresholdGrid } from '../guard/calibrated-threshold.ts';
import type { QualityPolicy } from '../guard/quality-policy.ts';
import { foldsOf, type ScoreFit } from './out-of-fold.ts';
import type { PairedRow } from './paired-rows.ts';

/** What is certified. @public */
export type CertifiedOptions = Pick<QualityPolicy, 'maxQualityLoss' | 'confidenceRatio'>;

/** What certified thresholds decide. @public */
export interface CertifiedDecisions {
  /** By row: whether the strong model answers. */
  readonly isSent: readonly boolean[];
  /** How many folds got no threshold, so that the strong model answers all of them. */
  readonly refusedFolds: number;
}

/** One fold is decided by a threshold from the next one, for a score learnt on all others. */
const LEAST_FOLDS = 3;
/** Thresholds that are tried, as equal shares of the rows that the score was learnt on: as in the facts of routing. */
const THRESHOLDS = 40;

/**
 * Decides each row as a gateway would that had seen the other folds only: a score is learnt on all but two of them, its threshold is certified on the one, and
 * both decide the other. So no row has a part in its own decision, and what comes out is what the guarantee speaks of.
 * @param options - of `folds` 3 at least; fewer count as 3.
 * @public
 */
export function certifiedDecisions(
  rows: readonly PairedRow[],
  options: CertifiedOptions & { readonly folds: number; readonly seed: number },
  fit: ScoreFit,
): CertifiedDecisions {
  const parts = foldsOf(rows.length, Math.max(LEAST_FOLDS, options.folds), options.seed);
  const isSent = rows.map(() => true);
  let refusedFolds = 0;
  parts.forEach((part, fold) => {
    const held = parts[(fold + 1) % parts.length] ?? [];
    const training = parts.filter((other) => other !== part && other !== held).flat();
    const scoreOf = fit(training);
    const threshold = certifiedThreshold(rows, { training, held }, scoreOf, options);
    if (threshold === undefined) refusedFolds += 1;
    // Not `>`: a row without a score (NaN) is above any threshold.
    else for (const index of part) isSent[index] = !(scoreOf(index) <= threshold);
  });
  return { isSent, refusedFolds };
}

function certifiedThreshold(
  rows: readonly PairedRow[],
  { training, held }: { readonly training: readonly number[]; readonly held: readonly number[] },
  scoreOf: (index: number) => number,
  { maxQualityLoss, confidenceRatio }: CertifiedOptions,
): number | undefined {
  const known = training.map(scoreOf).filter((score) => !Number.isNaN(score));
  const pairs = held.map((index) => {
    const { strong, cheap } = rows[index] ?? {};
    const score = scoreOf(index);
    return {
      score: Number.isNaN(score) ? Infinity : score,
      loss: (strong?.quality ?? 0) - (cheap?.quality ?? 0),
    };
  });
  return calibratedThreshold(pairs, {
    maxQualityLoss,
    alpha: 1 - confidenceRatio,
    thresholds: thresholdGrid(known, THRESHOLDS),
    losses: training.every((index) => isWhole(rows[index])) ? 'whole' : 'graded',
  })?.threshold;
}

function isWhole(row: PairedRow | undefined): boolean {
  return row === undefined || (Number.isInteger(row.cheap.quality) && Number.isInteger(row.strong.quality));
}
