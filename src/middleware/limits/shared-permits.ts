import type { LimitPorts } from './shared-bucket.ts';

interface Waiting {
  readonly resolve: (isAdmitted: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** For how long permits are held without being claimed again, in milliseconds: those of a process that died come back then. */
const LEASE_MS = 10_000;

/** How often a lease is renewed. */
const RENEWAL_MS = 3000;

/** How long before its end a lease counts no more: clocks differ, and an answer takes its time. */
const LEASE_MARGIN_MS = 2500;

/**
 * The part of a cap that a process keeps beside the permits in use, for up to a second. Caps below 20 keep none: there a permit that idles in
 * one process would refuse the next call of a client that makes one at a time.
 */
const SPARE_RATIO = 0.05;

/** For how long a full cap refuses without asking, in milliseconds: calls of other processes may have ended meanwhile. */
const REFUSAL_LIFE_MS = 10;

/**
 * A process's share of the permits of a concurrency cap. Calls under way with permits whose lease has lapsed go on, but none is admitted with them.
 * @internal
 */
export class SharedPermits {
  readonly #name: string;
  readonly #ownerId: string;
  readonly #ports: LimitPorts;
  #limit: number;
  #inUse = 0;
  /** Most in use at a time in the current and the last period between two ticks. */
  #peaks: readonly [current: number, last: number] = [0, 0];
  #held = 0;
  /** Monotonic time at which the lease was last claimed. */
  #claimedAt = 0;
  #claiming: Promise<void> = Promise.resolve();
  #fullUntil = 0;
  readonly #waiting: Waiting[] = [];
  #isAsking = false;
  #usedAt: number;

  constructor(name: string, limit: number, ownerId: string, ports: LimitPorts) {
    this.#name = name;
    this.#limit = limit;
    this.#ownerId = ownerId;
    this.#ports = ports;
    this.#usedAt = ports.clock.monotonicMs();
  }

  /** Monotonic time of its last use, when it holds nothing; else infinite. */
  get idleSince(): number {
    return this.#inUse === 0 && this.#held === 0 && !this.#isAsking ? this.#usedAt : Number.POSITIVE_INFINITY;
  }

  /** Whether the call may go on; then `release` must follow, once. Rejects when the store fails and no permit is at hand. */
  acquire(limit: number): boolean | Promise<boolean> {
    if (limit > this.#limit) this.#fullUntil = 0;
    this.#limit = limit;
    this.#usedAt = this.#ports.clock.monotonicMs();
    if (this.#waiting.length === 0 && this.#admit()) return true;
    if (this.#usedAt < this.#fullUntil) return false;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (!this.#isAsking) void this.#ask();
    });
  }

  /** Ends a call that was admitted. A fault of the store is told by the next call or tick. */
  release(): void {
    this.#inUse -= 1;
    this.#fullUntil = 0;
    if (!this.#isAsking && this.#spare() === 0) void this.#claim(() => this.#inUse).catch(() => undefined);
  }

  /** Gives back what was not needed lately and renews the lease. */
  async tick(): Promise<void> {
    const [current, last] = this.#peaks;
    this.#peaks = [this.#inUse, current];
    const needed = Math.max(this.#inUse, this.#spare() === 0 ? 0 : Math.max(current, last));
    const isDue = this.#ports.clock.monotonicMs() - this.#claimedAt >= RENEWAL_MS;
    if (needed < this.#held || (isDue && needed > 0)) await this.#claim(() => Math.max(this.#inUse, needed));
  }

  /** Gives back all that no call uses. */
  close(): Promise<void> {
    return this.#claim(() => this.#inUse);
  }

  #admit(): boolean {
    const age = this.#ports.clock.monotonicMs() - this.#claimedAt;
    if (this.#inUse >= Math.min(this.#held, this.#limit) || age >= LEASE_MS - LEASE_MARGIN_MS) return false;
    this.#inUse += 1;
    if (this.#inUse > this.#peaks[0]) this.#peaks = [this.#inUse, this.#peaks[1]];
    return true;
  }

  #admitOrNote(): boolean {
    const isAdmitted = this.#admit();
    if (!isAdmitted) this.#fullUntil = this.#ports.clock.monotonicMs() + REFUSAL_LIFE_MS;
    return isAdmitted;
  }

  #spare(): number {
    return Math.floor(this.#limit * SPARE_RATIO);
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.length;
      try {
        // oxlint-disable-next-line no-await-in-loop -- who comes meanwhile is asked for with the next claim
        await this.#claim(() => this.#inUse + this.#waiting.length + this.#spare());
        for (const { resolve } of this.#waiting.splice(0, asked)) resolve(this.#admitOrNote());
      } catch (error) {
        for (const { reject } of this.#waiting.splice(0, asked)) reject(error);
      }
    }
    this.#isAsking = false;
    // Calls that ended while the answer was on its way may have left more than is in use.
    if (this.#spare() === 0 && this.#held > this.#inUse) void this.#claim(() => this.#inUse).catch(() => undefined);
  }

  /** Claims are absolute counts, so they go out one after the other; the count is settled when its turn comes. */
  #claim(countNow: () => number): Promise<void> {
    const claiming = this.#claiming.then(() => this.#claimOnce(countNow()));
    this.#claiming = claiming.catch(() => undefined); // whoever claimed hears of the fault
    return claiming;
  }

  async #claimOnce(count: number): Promise<void> {
    if (count === 0 && this.#held === 0) return;
    const { clock, store } = this.#ports;
    const claimedAt = clock.monotonicMs();
    // What is given back must not be used while the claim is on its way.
    this.#held = Math.min(this.#held, count);
    const claim = { ownerId: this.#ownerId, count, limit: this.#limit, leaseMs: LEASE_MS, nowMs: clock.nowMs() };
    this.#held = await store.hold(this.#name, claim);
    this.#claimedAt = claimedAt;
  }
}
