/** Times that are looked back on. */
const WINDOW = 128;

/** Below so many a percentile is chance. */
const LEAST_SAMPLES = 20;

/**
 * The last times to first byte of a target, for the delay after which a second attempt is worth its money.
 * @internal
 */
export class LatencyWindow {
  readonly #timesMs = new Float64Array(WINDOW);
  #count = 0;
  #sorted: Float64Array | undefined;

  add(timeMs: number): void {
    this.#timesMs[this.#count % WINDOW] = timeMs;
    this.#count += 1;
    // Sorted again only now and then: a percentile moves slowly.
    if (this.#count % LEAST_SAMPLES === 0) this.#sorted = undefined;
  }

  /** The time that this share (0..1) of the attempts stayed within; undefined while too little is known. */
  percentile(ratio: number): number | undefined {
    if (this.#count < LEAST_SAMPLES) return undefined;
    this.#sorted ??= this.#timesMs.slice(0, Math.min(this.#count, WINDOW)).toSorted();
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(ratio * this.#sorted.length))];
  }
}
