import type { RowCounts } from './bootstrap-intervals.ts';
import type { ReplayRow } from './replay-row.ts';

/** What a policy without a threshold comes to. @public */
export interface PointFigures {
  /** Mean quality of the answers, 0 to 1. */
  readonly quality: number | undefined;
  /** Mean cost of a call, in dollars. */
  readonly costUsd: number | undefined;
  /** Against the strong model's quality. Undefined: it is never right. */
  readonly qualityRatio: number | undefined;
  /** Share of always-strong's cost that is saved; below 0: it costs more. Undefined: that is free. */
  readonly savedRatio: number | undefined;
  /** Share of calls that the strong model answers. */
  readonly sentRatio: number | undefined;
}

/**
 * Measures a policy that has decided each call.
 * @param isSent - by row: whether the strong model answers.
 * @param counts - how often each row counts; undefined: once.
 * @public
 */
export function pointFigures(rows: readonly ReplayRow[], isSent: readonly boolean[], counts?: RowCounts): PointFigures {
  let total = 0;
  let sent = 0;
  let quality = 0;
  let costUsd = 0;
  let strongQuality = 0;
  let strongCostUsd = 0;
  rows.forEach((row, index) => {
    const count = counts === undefined ? 1 : (counts[index] ?? 0);
    const step = isSent[index] === true ? row.sent : row.kept;
    total += count;
    if (isSent[index] === true) sent += count;
    quality += count * step.quality;
    costUsd += count * step.costUsd;
    strongQuality += count * row.strong.quality;
    strongCostUsd += count * row.strong.costUsd;
  });
  const saved = part(costUsd, strongCostUsd);
  return {
    quality: part(quality, total),
    costUsd: part(costUsd, total),
    qualityRatio: part(quality, strongQuality),
    savedRatio: saved === undefined ? undefined : 1 - saved,
    sentRatio: part(sent, total),
  };
}

function part(value: number, whole: number): number | undefined {
  return whole > 0 ? value / whole : undefined;
}
