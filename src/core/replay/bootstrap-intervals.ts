import { seededFractions } from './seeded-fractions.ts';

/** How often each row counts; 1 each: as they are. @public */
export type RowCounts = ArrayLike<number>;

/** Where a figure lies in 95 % of resamplings. @public */
export interface ReplayInterval {
  readonly low: number;
  readonly high: number;
}

/** How intervals are found. @public */
export interface BootstrapOptions {
  /** How often the rows are drawn anew; 0: no intervals. */
  readonly resamples: number;
  readonly seed: number;
}

/** Part that is cut off at either end. */
const TAIL_RATIO = 0.025;

/**
 * Percentile bootstrap: rows are drawn anew with putting back, and every figure is taken again. The same seed draws the same rows, so that policies on
 * one table are compared on equal draws.
 * @param size - how many rows there are.
 * @param figuresOf - the figures of the rows so counted; undefined: there is none on such rows.
 * @returns for each figure its interval; undefined where more draws than are cut off have no such figure.
 * @public
 */
export function bootstrapIntervals<Name extends string>(
  size: number,
  { resamples, seed }: BootstrapOptions,
  figuresOf: (counts: RowCounts) => Readonly<Record<Name, number | undefined>>,
): Readonly<Partial<Record<Name, ReplayInterval>>> {
  const fraction = seededFractions(seed);
  const drawn = new Map<Name, number[]>();
  for (let round = 0; round < resamples; round += 1) {
    const figures = figuresOf(resampledCounts(size, fraction));
    for (const name of Object.keys(figures) as Name[]) {
      const values = drawn.get(name) ?? [];
      drawn.set(name, values);
      if (figures[name] !== undefined) values.push(figures[name]);
    }
  }
  const intervals: Partial<Record<Name, ReplayInterval>> = {};
  for (const [name, values] of drawn) {
    if (values.length >= (1 - TAIL_RATIO) * resamples) intervals[name] = percentiles(values);
  }
  return intervals;
}

function resampledCounts(size: number, fraction: () => number): RowCounts {
  const counts = new Uint32Array(size);
  for (let draw = 0; draw < size; draw += 1) {
    const index = Math.floor(fraction() * size);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

function percentiles(values: readonly number[]): ReplayInterval {
  const sorted = values.toSorted((left, right) => left - right);
  const cut = Math.floor(TAIL_RATIO * sorted.length);
  return { low: sorted[cut] ?? Number.NaN, high: sorted[sorted.length - 1 - cut] ?? Number.NaN };
}
