/** Minimum lengths that providers have had so far: what comes after one that turned out too low. */
const KNOWN_MINIMUMS: readonly number[] = [512, 1024, 2048, 4096, 8192];
/** One prefix that was not written may be a fault of the provider; two are a rule. */
const NEEDED_REFUSALS = 2;

/** What a reply says about a marked prefix. @public */
export interface MarkedUsage {
  /** Tokens up to the last breakpoint, as counted by us. */
  readonly markedTokens: number;
  readonly readTokens: number;
  readonly writtenTokens: number;
}

/**
 * The shortest prefix that a target caches: the documented one until its usage says otherwise. Below it marking is silently ignored.
 * @public
 */
export class MinimumPrefix {
  readonly #documentedTokens: number;
  #longestRefused = 0;
  #refusals = 0;
  #shortestCached = Infinity;

  constructor(documentedTokens: number) {
    this.#documentedTokens = documentedTokens;
  }

  observe({ markedTokens, readTokens, writtenTokens }: MarkedUsage): void {
    const cachedTokens = readTokens + writtenTokens;
    if (cachedTokens > 0) {
      this.#shortestCached = Math.min(this.#shortestCached, cachedTokens);
      // What is cached was not refused for its length: what refused it once was something else.
      if (this.#longestRefused >= cachedTokens) {
        this.#longestRefused = 0;
        this.#refusals = 0;
      }
      return;
    }
    if (markedTokens < this.tokens() || markedTokens >= this.#shortestCached) return;
    this.#refusals += 1;
    if (this.#refusals < NEEDED_REFUSALS) return;
    this.#refusals = 0;
    this.#longestRefused = Math.max(this.#longestRefused, markedTokens);
  }

  /** Shorter prefixes are not worth a mark. */
  tokens(): number {
    if (this.#longestRefused < this.#documentedTokens) return Math.min(this.#documentedTokens, this.#shortestCached);
    const next = KNOWN_MINIMUMS.find((known) => known > this.#longestRefused) ?? this.#longestRefused + 1;
    return Math.min(next, this.#shortestCached);
  }
}
