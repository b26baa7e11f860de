import type { RowCounts } from './bootstrap-intervals.ts';
import type { ReplayRow } from './replay-row.ts';

/**
 * What a score is worth over all thresholds. Undefined: there is no such figure, since the strong model is no better on these rows, never right, or free.
 *
 * Thresholds are picked on the rows that are measured, so that the saved shares are slightly too good.
 * @public
 */
export interface CurveFigures {
  /** Average performance gap recovered (RouteLLM): over all shares of strong calls, the mean part of the way from cheap to strong quality. Random: 0.5. */
  readonly apgr: number | undefined;
  /** Smallest share of strong calls that goes half of that way. */
  readonly cpt50Ratio: number | undefined;
  /** Smallest share of strong calls that goes 80 % of that way. */
  readonly cpt80Ratio: number | undefined;
  /** Share of always-strong's cost that is saved at 95 % of its quality. */
  readonly savedAt95Ratio: number | undefined;
  readonly savedAt98Ratio: number | undefined;
  readonly savedAt99Ratio: number | undefined;
  readonly savedAt100Ratio: number | undefined;
  /** The best quality at any threshold, against the strong model's. */
  readonly bestQualityRatio: number | undefined;
}

/** Rows in the order of a score, the highest first. @public */
export interface ScoredRows {
  readonly rows: readonly ReplayRow[];
  /** Indexes of rows with one score each, so that they are sent together. */
  readonly groups: readonly (readonly number[])[];
}

/** Sums differ in their last digits with the order of rows. */
const TOLERANCE = 1e-9;

/**
 * Sets rows in the order of their scores.
 * @param scores - one a row, high: it needs the strong model. NaN counts as the highest: what nobody knows goes to the strong model.
 * @public
 */
export function scoredRows(rows: readonly ReplayRow[], scores: ArrayLike<number>): ScoredRows {
  const keys = rows.map((_, index) => keyOf(scores[index]));
  const order = rows.map((_, index) => index).toSorted((left, right) => compared(keys[right], keys[left]));
  const groups: number[][] = [];
  let last: number | undefined;
  for (const index of order) {
    if (keys[index] === last) groups.at(-1)?.push(index);
    else groups.push([index]);
    last = keys[index];
  }
  return { rows, groups };
}

/**
 * Measures a score over all thresholds. Of rows with one score a random part is sent: between two thresholds the curve is a straight line, exactly what
 * such a draw gives on average, and `random` is the line from end to end.
 * @param counts - how often each row counts; undefined: once.
 * @public
 */
export function curveFigures(scored: ScoredRows, counts?: RowCounts): CurveFigures {
  const curve = curveOf(scored, counts);
  const { points, strong } = curve;
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return NO_FIGURES;
  const gap = last.quality - first.quality;
  const hasGap = gap > TOLERANCE;
  const shareAt = (part: number): number | undefined =>
    hasGap ? reached(points, first.quality + part * gap)?.share : undefined;
  const savedAt = (part: number): number | undefined => savedOn(curve, part);
  const best = Math.max(...points.map(({ quality }) => quality));
  return {
    apgr: hasGap ? (areaUnder(points) - first.quality) / gap : undefined,
    cpt50Ratio: shareAt(0.5),
    cpt80Ratio: shareAt(0.8),
    savedAt95Ratio: savedAt(0.95),
    savedAt98Ratio: savedAt(0.98),
    savedAt99Ratio: savedAt(0.99),
    savedAt100Ratio: savedAt(1),
    bestQualityRatio: strong.quality > 0 ? best / strong.quality : undefined,
  };
}

/**
 * What a score saves, at its best threshold, at a part of the strong model's quality.
 * @returns undefined where it never gets there.
 * @public
 */
export function savedAtQuality(scored: ScoredRows, qualityRatio: number): number | undefined {
  return savedOn(curveOf(scored, undefined), qualityRatio);
}

function savedOn({ points, strong }: Curve, qualityRatio: number): number | undefined {
  if (strong.quality <= 0 || strong.costUsd <= 0) return undefined;
  const point = reached(points, qualityRatio * strong.quality);
  return point === undefined ? undefined : 1 - point.costUsd / strong.costUsd;
}

const NO_FIGURES: CurveFigures = {
  apgr: undefined,
  cpt50Ratio: undefined,
  cpt80Ratio: undefined,
  savedAt95Ratio: undefined,
  savedAt98Ratio: undefined,
  savedAt99Ratio: undefined,
  savedAt100Ratio: undefined,
  bestQualityRatio: undefined,
};

/** Sums over all rows while a share of them is sent. */
interface CurvePoint {
  readonly share: number;
  readonly quality: number;
  readonly costUsd: number;
}

interface Curve {
  readonly points: readonly CurvePoint[];
  readonly strong: { readonly quality: number; readonly costUsd: number };
}

function curveOf({ rows, groups }: ScoredRows, counts: RowCounts | undefined): Curve {
  const countOf = (index: number): number => (counts === undefined ? 1 : (counts[index] ?? 0));
  let total = 0;
  let quality = 0;
  let costUsd = 0;
  const strong = { quality: 0, costUsd: 0 };
  rows.forEach((row, index) => {
    const count = countOf(index);
    total += count;
    quality += count * row.kept.quality;
    costUsd += count * row.kept.costUsd;
    strong.quality += count * row.strong.quality;
    strong.costUsd += count * row.strong.costUsd;
  });
  if (total === 0) return { points: [], strong };
  const points: CurvePoint[] = [{ share: 0, quality, costUsd }];
  let sent = 0;
  for (const group of groups) {
    for (const index of group) {
      const count = countOf(index);
      const row = rows[index];
      if (count === 0 || row === undefined) continue;
      sent += count;
      quality += count * (row.sent.quality - row.kept.quality);
      costUsd += count * (row.sent.costUsd - row.kept.costUsd);
    }
    points.push({ share: sent / total, quality, costUsd });
  }
  return { points, strong };
}

function areaUnder(points: readonly CurvePoint[]): number {
  let area = 0;
  let before = points[0];
  for (const point of points) {
    if (before !== undefined) area += ((point.share - before.share) * (point.quality + before.quality)) / 2;
    before = point;
  }
  return area;
}

/** The first point of the curve that has a quality. */
function reached(points: readonly CurvePoint[], quality: number): CurvePoint | undefined {
  let before: CurvePoint | undefined;
  for (const point of points) {
    if (point.quality >= quality - TOLERANCE) return before === undefined ? point : between(before, point, quality);
    before = point;
  }
  return undefined;
}

function between(before: CurvePoint, after: CurvePoint, quality: number): CurvePoint {
  const part = Math.min(1, (quality - before.quality) / (after.quality - before.quality));
  return {
    quality,
    share: before.share + part * (after.share - before.share),
    costUsd: before.costUsd + part * (after.costUsd - before.costUsd),
  };
}

function keyOf(score: number | undefined): number {
  return score === undefined || Number.isNaN(score) ? Infinity : score;
}

/** By value, as a difference of two infinities is none. */
function compared(left: number | undefined, right: number | undefined): number {
  if (left === right || left === undefined || right === undefined) return 0;
  return left < right ? -1 : 1;
}
