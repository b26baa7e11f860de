/** Retries that may be made before any call has earned one: a quiet program's first failure is retried too (as Finagle's minimum, per target). */
const RESERVE = 10;

/**
 * Bounds retries on one target to a share of the calls that it gets: each call earns `ratio` of a retry, each retry spends one. Under an outage
 * retries would otherwise multiply the load. At most {@link RESERVE} are kept, so that a good hour does not pay for a bad minute.
 * @internal
 */
export class RetryBudget {
  readonly #ratio: number;
  #kept = RESERVE;

  /** @param ratio - retries a call, 0..1. At 0 there are none. */
  constructor(ratio: number) {
    this.#ratio = ratio;
    if (ratio === 0) this.#kept = 0;
  }

  /** Whether a retry may be made now. */
  get mayRetry(): boolean {
    return this.#kept >= 1;
  }

  /** A call has come to the target. */
  earn(): void {
    this.#kept = Math.min(RESERVE, this.#kept + this.#ratio);
  }

  /** A retry is made. */
  spend(): void {
    this.#kept = Math.max(0, this.#kept - 1);
  }
}
