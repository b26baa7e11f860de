import type { ScoreFit } from './out-of-fold.ts';
import type { PairedRow } from './paired-rows.ts';

/** A category counts as having so many more rows with the mean gain of all: few rows say little. Ours. */
const PRIOR_ROWS = 5;

/**
 * Scores a row by its category: by how much better the strong model was there, drawn to the mean of all categories where it has few rows.
 * A category that was not seen has that mean.
 * @public
 */
export function categoryFit(rows: readonly PairedRow[]): ScoreFit {
  return (training) => {
    const gains = new Map<string | undefined, { sum: number; count: number }>();
    const all = { sum: 0, count: 0 };
    for (const index of training) {
      const row = rows[index];
      if (row === undefined) continue;
      const own = gains.get(row.row.domain) ?? { sum: 0, count: 0 };
      gains.set(row.row.domain, own);
      for (const sums of [own, all]) {
        sums.sum += row.strong.quality - row.cheap.quality;
        sums.count += 1;
      }
    }
    const mean = all.count === 0 ? 0 : all.sum / all.count;
    return (index) => {
      const { sum, count } = gains.get(rows[index]?.row.domain) ?? { sum: 0, count: 0 };
      return (sum + PRIOR_ROWS * mean) / (count + PRIOR_ROWS);
    };
  };
}
