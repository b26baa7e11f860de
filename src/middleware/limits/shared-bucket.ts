import type { Clock } from '../../ports/clock.ts';
import type { BucketTerms, LimitStore } from '../../ports/limit-store.ts';

/** What there is too little of. @internal */
export interface Shortage {
  /** For how long to wait until the amount is there, in milliseconds. */
  readonly waitMs: number;
  /** What is there now; a debt is 0. */
  readonly remaining: number;
}

/** What the limits of a process work with. @internal */
export interface LimitPorts {
  readonly store: LimitStore;
  readonly clock: Clock;
}

interface Waiting {
  readonly amount: number;
  readonly resolve: (shortage: Shortage | undefined) => void;
  readonly reject: (error: unknown) => void;
}

const MINUTE_MS = 60_000;

/** The part of a minute's worth that is taken from the store at a time. */
const SLICE_RATIO = 0.05;

/** From which rate on slices are taken: below ten a second asking for each call costs less than what idle slices would keep from others. */
const SLICED_FROM_PER_MINUTE = 600;

/** The part of a bucket that calls of a batch leave to interactive ones. Ours: six seconds of what comes in, in which a bucket recovers. */
const RESERVED_RATIO = 0.1;

/** For how long room is kept for an interactive call that was refused, beyond the wait that it was told, in milliseconds. Ours: clients come back with a delay. */
const UNMET_LIFE_MS = 5000;

/** For how long a slice may be used, in milliseconds; then what is left of it goes back. */
const SLICE_LIFE_MS = 1000;

/** For how long what was refused is refused again without asking, in milliseconds: others may have given back meanwhile. */
const REFUSAL_LIFE_MS = 250;

/**
 * A process's share of a token bucket that several processes use. It takes slices, so that most calls ask nobody; the bucket in the store
 * holds less by what comes in while a slice lives, so that all processes together never pass the limit in any minute beyond one
 * full bucket. What is given back goes to the store, which knows when the bucket is full, and not into the slice.
 * Calls of a batch have a share of their own of the same bucket: they are let in only by what lies above a tenth of it, or above what an interactive call of this
 * process was refused, and take no slices, which would still be used when interactive calls find nothing. Alone they use all that comes in.
 * @internal
 */
export class SharedBucket {
  readonly #name: string;
  readonly #ports: LimitPorts;
  readonly #unmetBefore: (() => number) | undefined;
  #unmet = { amount: 0, until: 0 };
  #perMinute: number;
  #terms: BucketTerms;
  /** What was taken from the store and not used. */
  #slice = 0;
  #sliceFrom = 0;
  /** What the store does not know yet: to be put back (positive) or taken in arrears. */
  #correction = 0;
  #sending: Promise<void> = Promise.resolve();
  readonly #waiting: Waiting[] = [];
  #isAsking = false;
  #refusal:
    | { readonly amount: number; readonly shortage: Shortage; readonly at: number; readonly until: number }
    | undefined;
  #usedAt: number;

  /** @param unmetBefore - what those who go first lack; undefined: its calls go first themselves. */
  constructor(name: string, perMinute: number, ports: LimitPorts, unmetBefore?: () => number) {
    this.#name = name;
    this.#unmetBefore = unmetBefore;
    this.#ports = ports;
    this.#perMinute = perMinute;
    this.#terms = bucketTerms(perMinute);
    this.#usedAt = ports.clock.monotonicMs();
  }

  /** Monotonic time of its last use, when there is nothing in it that the store has to know; else infinite. */
  get idleSince(): number {
    const isIdle = this.#slice === 0 && this.#correction === 0 && !this.#isAsking;
    return isIdle ? this.#usedAt : Number.POSITIVE_INFINITY;
  }

  /** What a call was refused lately, and will come back for; else 0. */
  get unmet(): number {
    return this.#ports.clock.monotonicMs() < this.#unmet.until ? this.#unmet.amount : 0;
  }

  /**
   * Takes an amount; undefined when it was there. More than the bucket can hold is given when it is full, and leaves a debt.
   * Rejects when the store fails and the slice does not suffice.
   */
  take(amount: number, perMinute: number): Shortage | undefined | Promise<Shortage | undefined> {
    const now = this.#ports.clock.monotonicMs();
    this.#usedAt = now;
    if (perMinute !== this.#perMinute) this.#change(perMinute);
    if (this.#waiting.length === 0 && this.#spend(amount, now)) return undefined;
    const known = this.#knownShortage(amount, now);
    if (known !== undefined) {
      this.#keepFor(amount, known, now);
      return known;
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ amount, resolve, reject });
      if (!this.#isAsking) void this.#ask();
    });
  }

  /** Gives back what was not used (positive), or takes in arrears what was used beyond (negative). */
  correct(amount: number): void {
    this.#correction += amount;
    if (amount > 0) this.#refusal = undefined;
  }

  /** Tells the store what it does not know yet and gives back a slice that is too old. */
  tick(): Promise<void> {
    return this.#sendCorrection();
  }

  /** Gives everything back. */
  close(): Promise<void> {
    this.#dropSlice(this.#ports.clock.monotonicMs());
    return this.#sendCorrection();
  }

  #change(perMinute: number): void {
    this.#perMinute = perMinute;
    this.#terms = bucketTerms(perMinute);
    this.#refusal = undefined;
  }

  #spend(amount: number, now: number): boolean {
    const usable = now - this.#sliceFrom > SLICE_LIFE_MS ? 0 : this.#slice;
    if (usable < this.#fitting(amount)) return false;
    if (amount >= this.#unmet.amount) this.#unmet = { amount: 0, until: 0 };
    this.#correction += Math.min(0, this.#slice - amount);
    this.#slice = Math.max(0, this.#slice - amount);
    return true;
  }

  /** What has to be there for an amount. */
  #fitting(amount: number): number {
    return Math.min(amount, this.#terms.capacity - this.#floor);
  }

  /** What is left to calls that go first. A bucket of one has nothing to leave. */
  get #floor(): number {
    if (this.#unmetBefore === undefined) return 0;
    const { capacity } = this.#terms;
    return Math.min(Math.max(Math.ceil(capacity * RESERVED_RATIO), this.#unmetBefore()), capacity - 1);
  }

  get #isSliced(): boolean {
    return this.#unmetBefore === undefined && isSliced(this.#perMinute);
  }

  #keepFor(amount: number, { waitMs }: Shortage, now: number): void {
    const most = Math.max(this.unmet, this.#fitting(amount));
    this.#unmet = { amount: most, until: Math.max(this.#unmet.until, now + waitMs + UNMET_LIFE_MS) };
  }

  /** Gives a slice back, but for what has come into the store's bucket since the slice was too old to use: else that would be there twice. */
  #dropSlice(now: number): void {
    const overdueMs = Math.max(0, now - this.#sliceFrom - SLICE_LIFE_MS);
    this.#correction += Math.max(0, this.#slice - Math.ceil((overdueMs * this.#perMinute) / MINUTE_MS));
    this.#slice = 0;
  }

  #knownShortage(amount: number, now: number): Shortage | undefined {
    const refusal = this.#refusal;
    if (refusal === undefined || now >= refusal.until || this.#fitting(amount) < refusal.amount) return undefined;
    return this.#shortage(amount, refusal.shortage, refusal.amount, now - refusal.at);
  }

  /** What lacks for an amount, from what is known to lack for a smaller one. */
  #shortage(amount: number, known: Shortage, knownAmount: number, elapsedMs: number): Shortage {
    const furtherMs = Math.ceil(((this.#fitting(amount) - knownAmount) * MINUTE_MS) / this.#perMinute);
    return { waitMs: Math.max(1, Math.ceil(known.waitMs + furtherMs - elapsedMs)), remaining: known.remaining };
  }

  /** Asks the store for those who wait, in their order, until nobody does. */
  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one question at a time: the next depends on this one's answer
        await this.#askOnce();
      } catch (error) {
        for (const { reject } of this.#waiting.splice(0)) reject(error);
      }
    }
    if (!this.#isSliced) this.#dropSlice(this.#ports.clock.monotonicMs());
    this.#isAsking = false;
  }

  async #askOnce(): Promise<void> {
    await this.#sendCorrection();
    const { clock, store } = this.#ports;
    const askedAt = clock.monotonicMs();
    if (askedAt - this.#sliceFrom > SLICE_LIFE_MS) this.#dropSlice(askedAt);
    const first = this.#waiting[0];
    const least = this.#fitting(first?.amount ?? 0) - this.#slice;
    if (least > 0) {
      const { granted, waitMs } = await store.take(this.#name, this.#terms, {
        want: this.#wanted(least),
        least,
        floor: this.#floor,
        nowMs: clock.nowMs(),
      });
      if (granted === 0) return this.#refuse(least + this.#slice, waitMs);
      this.#slice += granted;
      this.#sliceFrom = askedAt;
    }
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#spend(next.amount, askedAt);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      next.resolve(undefined);
    }
  }

  /** What all who wait need, and a slice where slices are taken. */
  #wanted(least: number): number {
    const needed = this.#waiting.reduce((sum, { amount }) => sum + amount, 0) - this.#slice;
    const slice = this.#isSliced ? Math.floor(this.#perMinute * SLICE_RATIO) : 0;
    return Math.max(least, Math.min(Math.max(needed, slice), this.#terms.capacity - this.#floor));
  }

  /** Refuses all who need as much as was refused. */
  #refuse(amount: number, waitMs: number): void {
    const at = this.#ports.clock.monotonicMs();
    const missing = (waitMs * this.#perMinute) / MINUTE_MS;
    const shortage = { waitMs, remaining: Math.max(0, Math.floor(amount - missing)) };
    this.#refusal = { amount, shortage, at, until: at + Math.min(waitMs, REFUSAL_LIFE_MS) };
    for (const waiting of this.#waiting.splice(0)) {
      if (this.#fitting(waiting.amount) < amount) this.#waiting.push(waiting);
      else {
        const lacking = this.#shortage(waiting.amount, shortage, amount, 0);
        this.#keepFor(waiting.amount, lacking, at);
        waiting.resolve(lacking);
      }
    }
  }

  #sendCorrection(): Promise<void> {
    const sending = this.#sending.then(() => this.#sendOnce());
    this.#sending = sending.catch(() => undefined); // whoever sent it hears of the fault
    return sending;
  }

  async #sendOnce(): Promise<void> {
    const now = this.#ports.clock.monotonicMs();
    if (now - this.#sliceFrom > SLICE_LIFE_MS) this.#dropSlice(now);
    const amount = this.#correction;
    if (amount === 0) return;
    this.#correction = 0;
    try {
      await this.#ports.store.correct(this.#name, this.#terms, amount, this.#ports.clock.nowMs());
    } catch (error) {
      // Whether it arrived is not known: a debt is told again, what was to be given back is lost and refills by itself.
      if (amount < 0) this.#correction += amount;
      throw error;
    }
  }
}

function isSliced(perMinute: number): boolean {
  return perMinute >= SLICED_FROM_PER_MINUTE;
}

/** A minute's worth at once, less what comes in while slices live. */
function bucketTerms(perMinute: number): BucketTerms {
  const margin = isSliced(perMinute) ? Math.ceil((perMinute * SLICE_LIFE_MS) / MINUTE_MS) : 0;
  return { capacity: perMinute - margin, perMinute };
}
