import type { CacheRatios } from './prefix-block.ts';

const SHORT_MS = 300_000;
const LONG_MS = 3_600_000;
/** Written tokens that must have been seen before the dearer life is bought: some prompts of ordinary length. */
const LEAST_TOKENS = 50_000;
const MOST_TOKENS = 50_000_000;

/**
 * Whether prefixes are better written for five minutes or for an hour, by the gaps after which they were used again. An hour costs more on
 * each write and spares a new write after each gap of between five minutes and an hour.
 * @public
 */
export class LifeChoice {
  #startTokens = 0;
  #betweenTokens = 0;

  /** @param gapMs - since the prefix was last used; undefined: it is new. */
  observe(gapMs: number | undefined, tokens: number): void {
    if (gapMs === undefined || gapMs > LONG_MS) this.#startTokens += tokens;
    else if (gapMs > SHORT_MS) this.#betweenTokens += tokens;
    if (this.#startTokens + this.#betweenTokens <= MOST_TOKENS) return;
    this.#startTokens /= 2;
    this.#betweenTokens /= 2;
  }

  choose(short: CacheRatios, long: CacheRatios): '5m' | '1h' {
    if (this.#startTokens + this.#betweenTokens < LEAST_TOKENS) return '5m';
    const spared = this.#betweenTokens * (short.writeRatio - long.readRatio);
    return spared > this.#startTokens * (long.writeRatio - short.writeRatio) ? '1h' : '5m';
  }
}
