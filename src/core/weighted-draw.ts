/** What a draw by weight came to. @internal */
export interface WeightedDraw {
  /** Which of the weights was drawn; -1 when there are none. */
  readonly index: number;
  /** Where in its part the chance fell, in [0, 1): a new chance, independent of which one was drawn. */
  readonly fraction: number;
}

/**
 * Draws one of several, each as likely as its weight.
 * @param fraction - chance, in [0, 1).
 * @internal
 */
export function weightedDraw(weights: readonly number[], fraction: number): WeightedDraw {
  let point = fraction * weights.reduce((sum, weight) => sum + weight, 0);
  const found = weights.findIndex((weight) => {
    if (point < weight) return true;
    point -= weight;
    return false;
  });
  // Rounding may put the point behind the last one.
  const index = found < 0 ? weights.length - 1 : found;
  return { index, fraction: Math.min(point / (weights[index] ?? 1), 1 - Number.EPSILON) };
}
