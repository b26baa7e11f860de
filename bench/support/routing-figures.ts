import { bootstrapIntervals, type ReplayInterval, type RowCounts } from '../../src/core/replay/bootstrap-intervals.ts';
import type { CascadeDecisions } from '../../src/core/replay/cascade-decisions.ts';
import { pointFigures } from '../../src/core/replay/point-figures.ts';
import type { ReplayRow } from '../../src/core/replay/replay-row.ts';
import { curveFigures, scoredRows } from '../../src/core/replay/score-curve.ts';
import { rounded } from './quantile.ts';

/** What partings and drawings depend on. */
export const SEED = 1;
/** Drawings for an interval. */
export const RESAMPLES = 400;

/** Decided calls, in percent. */
export interface Point {
  readonly quality: number;
  readonly qualityInterval: ReplayInterval | undefined;
  readonly saved: number;
  readonly savedInterval: ReplayInterval | undefined;
  readonly escalated: number;
}
/** A score over all thresholds; percents but for the APGR. */
export interface Score {
  readonly apgr: number;
  readonly apgrInterval: ReplayInterval | undefined;
  readonly cpt50: number;
  readonly cpt80: number;
  /** At 95, 98, 99 and 100 % of the strong model's quality. */
  readonly saved: readonly number[];
  readonly savedIntervals: readonly (ReplayInterval | undefined)[];
}

const SAVED = ['savedAt95Ratio', 'savedAt98Ratio', 'savedAt99Ratio', 'savedAt100Ratio'] as const;

/** A ratio in percent, with one decimal. */
export const percentOf = (ratio: number | undefined): number => rounded(100 * (ratio ?? Number.NaN), 1);
const percentInterval = (interval: ReplayInterval | undefined): ReplayInterval | undefined =>
  interval === undefined ? undefined : { low: percentOf(interval.low), high: percentOf(interval.high) };

/** Measures decided calls. */
export function pointOf({ rows, isSent }: CascadeDecisions): Point {
  const figures = pointFigures(rows, isSent);
  const intervals = bootstrapIntervals(rows.length, { resamples: RESAMPLES, seed: SEED }, (counts: RowCounts) => {
    const { qualityRatio, savedRatio } = pointFigures(rows, isSent, counts);
    return { qualityRatio, savedRatio };
  });
  return {
    quality: percentOf(figures.qualityRatio),
    qualityInterval: percentInterval(intervals.qualityRatio),
    saved: percentOf(figures.savedRatio),
    savedInterval: percentInterval(intervals.savedRatio),
    escalated: percentOf(figures.sentRatio),
  };
}

/** Measures a score. */
export function scoreOf(rows: readonly ReplayRow[], scores: ArrayLike<number>): Score {
  const scored = scoredRows(rows, scores);
  const figures = curveFigures(scored);
  const { apgr, ...saved } = bootstrapIntervals(
    rows.length,
    { resamples: RESAMPLES, seed: SEED },
    (counts: RowCounts) => ({
      ...curveFigures(scored, counts),
    }),
  );
  return {
    apgr: rounded(figures.apgr ?? Number.NaN, 3),
    apgrInterval: apgr === undefined ? undefined : { low: rounded(apgr.low, 3), high: rounded(apgr.high, 3) },
    cpt50: percentOf(figures.cpt50Ratio),
    cpt80: percentOf(figures.cpt80Ratio),
    saved: SAVED.map((name) => percentOf(figures[name])),
    savedIntervals: SAVED.map((name) => percentInterval(saved[name])),
  };
}
