/** What is older than this counts half, and after so long without a call that had to wait nothing is remembered. */
const MEMORY_MS = 10_000;

const LEAST_RETRY_MS = 1000;
const MOST_RETRY_MS = 30_000;

/** How fast slots become free while all are taken. Told of nothing while there are free ones: how fast calls come then says nothing of how fast they could. @internal */
export class SlotPace {
  #sinceMs = 0;
  #freed = 0;
  #lastFullMs = Number.NEGATIVE_INFINITY;

  /** A call found no slot. */
  foundFull(nowMs: number): void {
    if (nowMs - this.#lastFullMs > MEMORY_MS) {
      this.#sinceMs = nowMs;
      this.#freed = 0;
    }
    this.#lastFullMs = nowMs;
  }

  /** A slot became free that somebody waited for or could not have. */
  freed(nowMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs > MEMORY_MS) {
      this.#sinceMs = nowMs - elapsedMs / 2;
      this.#freed /= 2;
    }
    this.#freed += 1;
  }

  /**
   * In how long a call that comes now would have its turn, in milliseconds.
   * @param ahead - Calls that wait before it.
   */
  retryAfterMs(ahead: number, nowMs: number): number {
    const elapsedMs = nowMs - this.#sinceMs;
    // As long as none became free, the best guess is that it takes as long again.
    const waitMs = this.#freed === 0 ? elapsedMs : ((ahead + 1) * elapsedMs) / this.#freed;
    return Math.min(MOST_RETRY_MS, Math.max(LEAST_RETRY_MS, waitMs));
  }
}
