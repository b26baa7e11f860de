/** A mean with the interval that 95 % of resamplings fall in. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLINGS = 2000;

/** Fractions 0..1 that a seed fixes. */
export function seededFractions(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The mean of values with its bootstrap interval; of differences, where the values are paired. */
export function meanInterval(values: readonly number[], fraction: () => number): Interval {
  const meanOf = (value: (index: number) => number): number => {
    let sum = 0;
    for (let index = 0; index < values.length; index += 1) sum += value(index);
    return sum / values.length;
  };
  const means = Array.from({ length: RESAMPLINGS }, () =>
    meanOf(() => values[Math.floor(fraction() * values.length)] ?? 0),
  ).toSorted((left, right) => left - right);
  const at = (part: number): number => means[Math.floor(part * (RESAMPLINGS - 1))] ?? Number.NaN;
  return { mean: meanOf((index) => values[index] ?? 0), low: at(0.025), high: at(0.975) };
}
