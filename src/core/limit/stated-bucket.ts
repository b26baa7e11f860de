import type { StatedLimit } from './provider-limits.ts';

/** Milliseconds that limits are stated for. */
const MINUTE_MS = 60_000;

/**
 * A reset further away than this tells how fast a limit refills; a nearer one is rounded too much (Anthropic states whole seconds). In milliseconds. Ours.
 */
const TELLING_RESET_MS = 20_000;

/** A refill this much slower than a minute's is taken for what it is (a limit a day), and not for rounding. Ours. */
const SLOWER_RATIO = 0.9;

/** What was taken from a bucket for one request, to be held against what its reply states. @internal */
export interface StatedTake {
  readonly amount: number;
  readonly order: number;
  /** What had been taken in all, with this. */
  readonly takenAfter: number;
  /** What the bucket was believed to hold after it; undefined: nothing was known. */
  readonly levelAfter: number | undefined;
  readonly correctionsBefore: number;
}

/**
 * A provider's own count of one limit, as far as its replies let it be known: what each states as remaining is the truth of the moment when its request
 * was counted. What was sent behind that request is subtracted, what refills since is added, so that neither replies that come late nor other users
 * of the account mislead. Before the first reply everything fits.
 * @internal
 */
export class StatedBucket {
  #limit = 0;
  #perMs = 0;
  #level: number | undefined;
  #atMs = 0;
  #taken = 0;
  #orders = 0;
  #latest = -1;
  #corrections = 0;

  /** Whether a reply has told of the limit. */
  get isKnown(): boolean {
    return this.#level !== undefined;
  }

  /**
   * For how long to wait until so much may be taken; 0 when now.
   * @param freeRatio - share of the limit that is left to others.
   */
  waitMs(amount: number, freeRatio: number, nowMs: number): number {
    const level = this.#refilled(nowMs);
    if (level === undefined) return 0;
    const free = this.#limit * freeRatio;
    // More than there ever is: when nothing else is out.
    const missing = Math.min(amount, this.#limit - free) + free - level;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perMs);
  }

  take(amount: number, nowMs: number): StatedTake {
    const level = this.#refilled(nowMs);
    this.#taken += amount;
    if (level !== undefined) this.#level = level - amount;
    this.#orders += 1;
    return {
      amount,
      order: this.#orders,
      takenAfter: this.#taken,
      levelAfter: this.#level,
      correctionsBefore: this.#corrections,
    };
  }

  /** Gives back what was never used, or takes (negative) what was used beside. */
  giveBack(amount: number, nowMs: number): void {
    const level = this.#refilled(nowMs);
    this.#taken -= amount;
    if (level !== undefined) this.#level = Math.min(this.#limit, level + amount);
  }

  /** Takes in what the reply of a request states. One that was sent before another whose reply is known tells nothing new. */
  observe(take: StatedTake, stated: StatedLimit, nowMs: number): void {
    if (take.order <= this.#latest) return;
    this.#latest = take.order;
    const level = this.#refilled(nowMs);
    this.#limit = stated.limit;
    this.#perMs = refillPerMs(stated);
    if (level === undefined || take.levelAfter === undefined) {
      this.#level = stated.remaining - (this.#taken - take.takenAfter);
      this.#atMs = nowMs;
      return;
    }
    const believed = take.levelAfter + (this.#corrections - take.correctionsBefore);
    const correction = stated.remaining - believed;
    this.#corrections += correction;
    this.#level = Math.min(this.#limit, level + correction);
  }

  #refilled(nowMs: number): number | undefined {
    if (this.#level === undefined) return undefined;
    this.#level = Math.min(this.#limit, this.#level + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
    return this.#level;
  }
}

function refillPerMs({ limit, remaining, resetMs }: StatedLimit): number {
  const usual = limit / MINUTE_MS;
  if (resetMs === undefined || resetMs < TELLING_RESET_MS || remaining >= limit) return usual;
  const told = (limit - remaining) / resetMs;
  return told < usual * SLOWER_RATIO ? told : usual;
}
