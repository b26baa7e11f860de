import type { Clock } from '../ports/clock.ts';

/**
 * Time that stands still until a test moves it.
 * @example
 * ```ts
 * const clock = new FakeClock();
 * const cache = new ResponseCache({ scope: 'tests', ttlMs: 1_000, clock });
 * clock.advance(1_000);
 * ```
 * @public
 */
export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;

  /** @param nowMs - Unix time in milliseconds to start at; 23 November 2026 by default. */
  constructor(nowMs: number = Date.UTC(2026, 10, 23)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Lets so many milliseconds pass. */
  advance(durationMs: number): void {
    this.#nowMs += durationMs;
    this.#monotonicMs += durationMs;
  }
}
