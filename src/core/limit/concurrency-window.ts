/** Calls at a time before anything is known of a provider. Ours: few enough for the smallest accounts. */
const FIRST_SIZE = 4;

/**
 * How many calls may be under way at a provider of whose limits nothing is known: one more with each answer, until it says that there are too many; then
 * half as many, and from there slowly more.
 * @internal
 */
export class ConcurrencyWindow {
  readonly #max: number;
  #size: number;
  #threshold = Number.POSITIVE_INFINITY;
  #started = 0;
  #limitedAt = 0;

  constructor(max: number) {
    this.#max = max;
    this.#size = Math.min(FIRST_SIZE, max);
  }

  /** Calls that may be under way. */
  get size(): number {
    return Math.floor(this.#size);
  }

  /** A call begins. Returns its number, for {@link limited}. */
  begin(): number {
    this.#started += 1;
    return this.#started;
  }

  answered(): void {
    const step = this.#size < this.#threshold ? 1 : 1 / this.#size;
    this.#size = Math.min(this.#max, this.#size + step);
  }

  /** The provider states its limits, so there is nothing to be found out; unless it has refused calls all the same. */
  open(): void {
    if (this.#limitedAt === 0) this.#size = this.#max;
  }

  /** The provider refused a call. Those that were sent before the last refusal say nothing new. */
  limited(call: number): void {
    if (call <= this.#limitedAt) return;
    this.#limitedAt = this.#started;
    this.#size = Math.max(1, this.#size / 2);
    this.#threshold = this.#size;
  }
}
