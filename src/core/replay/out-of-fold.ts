import { seededFractions, shuffledIndexes } from './seeded-fractions.ts';

/** Learns from some rows how to score any. @public */
export type ScoreFit = (training: readonly number[]) => (index: number) => number;

/** How rows are parted. @public */
export interface FoldOptions {
  /** Into how many parts; two at least. */
  readonly folds: number;
  /** How often they are parted anew, and the scores of a row averaged. @defaultValue 1 */
  readonly repeats?: number;
  readonly seed: number;
}

/**
 * Parts rows at random into folds of equal size, give or take one.
 * @public
 */
export function foldsOf(size: number, folds: number, seed: number): readonly (readonly number[])[] {
  const order = shuffledIndexes(size, seededFractions(seed));
  return Array.from({ length: folds }, (_, fold) => order.filter((__, place) => place % folds === fold));
}

/**
 * Scores each row by what was learnt without it: from the rows of all other folds.
 * @public
 */
export function outOfFoldScores(size: number, options: FoldOptions, fit: ScoreFit): Float64Array {
  const { folds, repeats = 1, seed } = options;
  const scores = new Float64Array(size);
  for (let round = 0; round < repeats; round += 1) {
    const parts = foldsOf(size, folds, seed + round);
    for (const part of parts) {
      const scoreOf = fit(parts.filter((other) => other !== part).flat());
      for (const index of part) scores[index] = (scores[index] ?? 0) + scoreOf(index) / repeats;
    }
  }
  return scores;
}
