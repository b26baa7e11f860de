/** How far each of several fixed policies is believed: exponential weights whose rate follows from how hard the past was (AdaHedge). @internal */
export class ExpertWeights {
  readonly #losses: number[];
  readonly #priors: readonly number[];
  /** By how much the weighted losses exceeded the best that mixing could reach so far; its growth slows the rate down. */
  #gap = 0;

  constructor(priors: readonly number[]) {
    this.#priors = priors;
    this.#losses = priors.map(() => 0);
  }

  /** Shares that sum to 1. @param scale - the size of one typical loss, so that the first of them does not decide all. */
  shares(scale: number): readonly number[] {
    return this.#sharesAt(this.#rate(scale));
  }

  /** Takes what each policy lost; gains are negative. */
  observe(losses: readonly number[], scale: number): void {
    const rate = this.#rate(scale);
    const shares = this.#sharesAt(rate);
    const least = Math.min(...losses);
    let mean = 0;
    let mixed = 0;
    losses.forEach((loss, index) => {
      const share = shares[index] ?? 0;
      mean += share * (loss - least);
      mixed += share * Math.exp(-rate * (loss - least));
      this.#losses[index] = (this.#losses[index] ?? 0) + loss;
    });
    this.#gap += Math.max(0, mean + Math.log(Math.max(mixed, Number.MIN_VALUE)) / rate);
    // Only differences count; kept near zero so that they stay exact for ever.
    const best = Math.min(...this.#losses);
    this.#losses.forEach((loss, index) => (this.#losses[index] = loss - best));
  }

  #rate(scale: number): number {
    return Math.log(this.#losses.length) / (this.#gap + Math.max(scale, 1));
  }

  #sharesAt(rate: number): readonly number[] {
    const best = Math.min(...this.#losses);
    const raw = this.#losses.map((loss, index) => (this.#priors[index] ?? 0) * Math.exp(-rate * (loss - best)));
    const sum = raw.reduce((total, each) => total + each, 0);
    return raw.map((each) => each / sum);
  }
}
