import { foldsOf, type ScoreFit } from './out-of-fold.ts';
import type { PairedRow } from './paired-rows.ts';

/** A row of a calibration. @public */
export interface ScoredLoss {
  /** High: it needs the strong model. */
  readonly score: number;
  /** Quality of the strong answer less that of the cheap one, -1 to 1. */
  readonly loss: number;
}

/**
 * Finds up to which score the cheap model may answer.
 * @returns undefined: nowhere is it certain enough.
 * @public
 */
export type Calibrate = (pairs: readonly ScoredLoss[]) => number | undefined;

/** What a certified threshold decides. @public */
export interface CertifiedDecisions {
  /** By row: whether the strong model answers. */
  readonly isSent: readonly boolean[];
  /** How many folds got no threshold, so that the strong model answers all of them. */
  readonly refusedFolds: number;
}

/** One fold is decided by a threshold from the next one, for a score learnt on all others. */
const LEAST_FOLDS = 3;

/**
 * Decides each row as a gateway would that had seen the other folds only: a score is learnt on all but two of them, its threshold is certified on the one, and both
 * decide the other. So no row has a part in its own decision, and what comes out is what the guarantee speaks of.
 * @param folds - 3 at least; fewer count as 3.
 * @public
 */
export function certifiedDecisions(
  rows: readonly PairedRow[],
  { folds, seed }: { readonly folds: number; readonly seed: number },
  fit: ScoreFit,
  calibrate: Calibrate,
): CertifiedDecisions {
  const parts = foldsOf(rows.length, Math.max(LEAST_FOLDS, folds), seed);
  const isSent = rows.map(() => true);
  let refusedFolds = 0;
  parts.forEach((part, fold) => {
    const held = parts[(fold + 1) % parts.length] ?? [];
    const scoreOf = fit(parts.filter((other) => other !== part && other !== held).flat());
    const pairs = held.flatMap((index) => {
      const row = rows[index];
      return row === undefined ? [] : [{ score: scoreOf(index), loss: row.strong.quality - row.cheap.quality }];
    });
    const threshold = calibrate(pairs);
    if (threshold === undefined) refusedFolds += 1;
    else for (const index of part) isSent[index] = scoreOf(index) > threshold;
  });
  return { isSent, refusedFolds };
}
