/** Parts of a prefix's life in which reuse is counted apart. */
const STEPS = 4;
/** So much reuse, in average requests, is taken to be spread evenly before any was seen. */
const PRIOR_REQUESTS = 2;
const MOST_REQUESTS = 400;

/**
 * How soon reuse comes when it comes. Reuse is seen at once and its absence only at the end of a life; what is still open counts by how much
 * of all reuse would have come by now, so that early estimates lean to neither side.
 * @internal
 */
export class ReuseDelays {
  readonly #counts: number[] = Array.from({ length: STEPS }, () => PRIOR_REQUESTS / STEPS);

  /** @param lifeShare - how much of the life had passed, 0..1. */
  observe(lifeShare: number, weight: number): void {
    const step = Math.max(0, Math.min(STEPS - 1, Math.floor(lifeShare * STEPS)));
    this.#counts[step] = (this.#counts[step] ?? 0) + weight;
    const sum = this.#counts.reduce((total, count) => total + count, 0);
    if (sum > MOST_REQUESTS) this.#counts.forEach((count, index) => (this.#counts[index] = count / 2));
  }

  /** How much of all reuse comes in a part of the life. */
  share(step: number): number {
    return (this.#counts[step] ?? 0) / this.#counts.reduce((total, count) => total + count, 0);
  }
}

/** The moments of a life at which a part of it counts as passed: the middle of each. @internal */
export const DELAY_STEPS: readonly number[] = Array.from({ length: STEPS }, (_step, index) => (index + 0.5) / STEPS);
