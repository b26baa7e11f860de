import type { PaceNotice } from '../../core/limit/provider-limits.ts';
import { type PacedCall, type PacedNeed, RatePacer, type RatePacerOptions } from '../../core/limit/rate-pacer.ts';
import type { Clock } from '../../ports/clock.ts';

/** A call that was let through. @internal */
export interface Pass {
  /** A provider's reply to it has begun. */
  observe(notice: PaceNotice): void;
  /**
   * It is over.
   * @param usedTokens - undefined: no provider answered.
   */
  end(usedTokens: number | undefined): void;
}

interface Waiting {
  readonly need: PacedNeed;
  readonly resolve: (pass: Pass | undefined) => void;
}

/** Timers take no more, in milliseconds. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Lets the calls of a run through when their time has come, one after the other. @internal */
export class CallGate {
  readonly #pacer: RatePacer;
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RatePacerOptions, clock: Clock) {
    this.#clock = clock;
    this.#pacer = new RatePacer(options, clock.monotonicMs());
  }

  /**
   * Resolves when the call may be made; undefined once `signal` has fired.
   * @param isFirst - before all others that wait: it has been at it before.
   */
  enter(need: PacedNeed, signal: AbortSignal, isFirst: boolean): Promise<Pass | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#wait(need, signal, isFirst, resolve));
  }

  /** Lets nothing through for so long. */
  pause(lengthMs: number): void {
    this.#pacer.pause(lengthMs, this.#clock.monotonicMs());
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #wait(need: PacedNeed, signal: AbortSignal, isFirst: boolean, resolve: (pass: Pass | undefined) => void): void {
    const leave = (): void => {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
      resolve(undefined);
    };
    const waiting: Waiting = {
      need,
      resolve: (pass) => {
        signal.removeEventListener('abort', leave);
        resolve(pass);
      },
    };
    signal.addEventListener('abort', leave, { once: true });
    if (isFirst) this.#waiting.unshift(waiting);
    else this.#waiting.push(waiting);
    this.#letThrough();
  }

  #letThrough(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const nowMs = this.#clock.monotonicMs();
      const waitMs = this.#pacer.waitMs(first.need, nowMs);
      if (waitMs > 0) {
        // A run is work to be done: its timer keeps the process alive.
        if (waitMs < LONGEST_TIMER_MS) this.#timer = setTimeout(() => this.#letThrough(), Math.ceil(waitMs));
        return;
      }
      this.#waiting.shift();
      first.resolve(this.#pass(this.#pacer.begin(first.need, nowMs)));
    }
  }

  #pass(call: PacedCall): Pass {
    return {
      observe: (notice) => {
        this.#pacer.observe(call, notice, this.#clock.monotonicMs());
        this.#letThrough();
      },
      end: (usedTokens) => {
        this.#pacer.end(call, usedTokens, this.#clock.monotonicMs());
        this.#letThrough();
      },
    };
  }
}
