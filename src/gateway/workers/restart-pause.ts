/** First and longest pause before a worker is started again, in milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** A worker that lived longer did not die of its start, in milliseconds. */
const CALM_MS = 60_000;

/**
 * How long to wait before a worker is started again: not at all long for the first that dies, twice as long for each that follows, so that
 * workers that die of their start do not use up the machine.
 * @internal
 */
export class RestartPause {
  #pauseMs = FIRST_PAUSE_MS;
  #lastDeathAt = -Infinity;

  /** The pause for a worker that died at `nowMs` of a monotonic clock. */
  next(nowMs: number): number {
    if (nowMs - this.#lastDeathAt > CALM_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.#lastDeathAt = nowMs;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    return pauseMs;
  }
}
