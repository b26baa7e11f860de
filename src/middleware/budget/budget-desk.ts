import type { BucketAmounts, ExchangeReply, ExchangeRequest } from '../../core/budget/account-state.ts';
import { type AccountId, alertRatios, type Budget } from '../../core/budget/budget.ts';
import { windowPosition } from '../../core/budget/budget-window.ts';
import { nanoUsd, type NanoUsd } from '../../core/money.ts';

/** A call that waits for money of an account. @internal */
export interface Waiter {
  readonly amount: number;
  readonly deadlineMs: number;
  /** Called once, with how the wait ended. */
  readonly done: (verdict: WaitVerdict) => void;
}

/**
 * How a wait ended: the money was reserved, will not come in this window, is held by others; there are too many accounts; the store cannot be asked.
 * @internal
 */
export type WaitVerdict = 'reserved' | 'spent' | 'held' | 'full' | 'failed';

/** What is known of an account beside one's own part, from the last exchange. */
interface Known {
  readonly usedNanoUsd: number;
  readonly otherHeldNanoUsd: number;
  readonly oldestBucket: number | undefined;
}

/** What a desk sends, and what it stood for when it was sent. */
interface Sent {
  readonly request: ExchangeRequest;
  readonly neededFor: Waiter | undefined;
}

/** How much of the demand of one round is asked for in advance: about a second's worth, so that the usual call asks nobody. */
const WISH_ROUNDS = 8;

/** After so many milliseconds without a call a slice goes back, so that it is there for others. */
const IDLE_MS = 1000;

/** By how much to catch up with a sequence number that is higher: as milliseconds almost three hours. */
const SEQUENCE_STEP = 10_000_000;

/** Share of the new figure in the running mean of the demand. */
const DEMAND_WEIGHT = 0.3;

/**
 * One process's part of one account: the slice that the store holds for it, what of it is promised to calls, and what of it is
 * spent and not yet reported. Everything here is arithmetic; the keeper carries the messages.
 * @internal
 */
export class BudgetDesk {
  readonly account: AccountId;
  readonly waiters: Waiter[] = [];
  isAsking = false;
  /** Calls that are about to use this desk: it must not be forgotten under them. */
  pins = 0;
  /** Time of the last exchange. */
  askedAtMs: number = Number.NEGATIVE_INFINITY;
  #budget: Budget;
  #alertRatios: readonly number[];
  #granted = 0;
  #reserved = 0;
  #unreported = 0;
  #settled: Record<string, NanoUsd> = {};
  #sequence = 0;
  #acknowledged = 0;
  #known: Known = { usedNanoUsd: 0, otherHeldNanoUsd: 0, oldestBucket: undefined };
  #isUnderPressure = false;
  /** Whether the last call that asked came after a while without one: such an account asks for what it needs, and gives the rest back with its report. */
  #isSparse = false;
  #isChanged = false;
  #taken = 0;
  #demand = 0;

  constructor(account: AccountId, budget: Budget) {
    this.account = account;
    this.#budget = budget;
    this.#alertRatios = alertRatios(budget);
  }

  get budget(): Budget {
    return this.#budget;
  }

  get isHard(): boolean {
    return this.budget.mode === 'hard';
  }

  /** What may be promised without asking. Negative after a bill above its bound. */
  get free(): number {
    return this.#granted - this.#reserved - this.#unreported;
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** Spent in the window, as far as this process knows. */
  get usedNanoUsd(): number {
    return this.#known.usedNanoUsd + this.#unreported;
  }

  get oldestBucket(): number | undefined {
    return this.#known.oldestBucket;
  }

  /** Whether there is something to tell the store, or to give back. */
  isDue(nowMs: number): boolean {
    return this.#isChanged || this.#surplus(nowMs) > 0;
  }

  /** Whether nothing is held or waited for and everything has been told. */
  get isIdle(): boolean {
    return (
      this.#granted === 0 && this.#reserved === 0 && !this.#isChanged && this.waiters.length === 0 && !this.isAsking
    );
  }

  /** Whether nothing is known here that a new desk would not know. */
  mayBeForgotten(nowMs: number): boolean {
    if (!this.isIdle || this.pins > 0 || nowMs - this.askedAtMs < IDLE_MS) return false;
    const { floorBucket } = windowPosition(this.budget.window, this.budget.timezone, nowMs);
    return Object.keys(this.#settled).every((bucket) => Number(bucket) < floorBucket);
  }

  /** Takes other limits. What of the slice is not promised was given under the old ones: it is asked for anew. */
  rule(budget: Budget): void {
    const isSame = budget.limitNanoUsd === this.#budget.limitNanoUsd && budget.mode === this.#budget.mode;
    this.#budget = budget;
    this.#alertRatios = alertRatios(budget);
    if (isSame) return;
    this.#granted = Math.min(this.#granted, this.#reserved + this.#unreported);
    this.#isChanged = true;
  }

  /** Promises an amount from the slice, if it is there. */
  take(amount: number): boolean {
    if (this.isHard && amount > this.free) return false;
    if (this.isHard) this.#reserved += amount;
    this.#taken += amount;
    return true;
  }

  /** Takes a promise back. */
  giveBack(amount: number): void {
    this.#reserved -= amount;
  }

  /**
   * Books a row of the ledger. What it gives back is not there to be promised before the store has been told.
   * @param fromReserved - the part of the promise that goes with it; 0 where the promise was made under another owner id.
   */
  book(amount: NanoUsd, atMs: number, fromReserved: number): void {
    const { bucket } = windowPosition(this.budget.window, this.budget.timezone, atMs);
    this.#settled[bucket] = nanoUsd((this.#settled[bucket] ?? 0) + amount);
    this.#reserved -= fromReserved;
    this.#unreported += amount;
    // What comes back may be of a window that is over, or above a limit that was lowered: the store gives it out again, or does not.
    if (this.isHard && amount < 0) this.#granted += amount;
    this.#isChanged = true;
  }

  /** Starts over under another owner id or generation: only promises that hold there are kept. */
  restart(reserved: number): void {
    this.#granted = reserved;
    this.#reserved = reserved;
    this.#unreported = 0;
    this.#settled = {};
    this.#acknowledged = 0;
    this.#isChanged = reserved > 0;
  }

  /** The store knows a higher sequence number: of a desk that was here before, under a clock that has been set back since. */
  catchUp(): void {
    this.#sequence += SEQUENCE_STEP;
  }

  /** What to tell and ask. From now until the answer nothing is promised beyond what it keeps. */
  ask(ownerId: string, nowMs: number, waiter: Waiter | undefined, isLast: boolean): Sent {
    const { budget } = this;
    const position = windowPosition(budget.window, budget.timezone, nowMs);
    this.#demand += DEMAND_WEIGHT * (this.#taken - this.#demand);
    this.#taken = 0;
    if (waiter !== undefined) {
      this.#isSparse = this.#granted === 0 && this.waiters.length === 1 && nowMs - this.askedAtMs >= IDLE_MS;
    }
    const keep = this.isHard
      ? Math.max(this.#reserved, this.#granted - this.#unreported - (isLast ? Infinity : this.#surplus(nowMs)))
      : 0;
    this.askedAtMs = nowMs;
    this.#granted = keep;
    this.#unreported = 0;
    this.#isChanged = false;
    // Begins at the time, so that a desk that was forgotten and made again goes on above where it was.
    this.#sequence = Math.max(this.#sequence + 1, this.#sequence === 0 ? nowMs : 0);
    const needed = waiter === undefined ? 0 : Math.max(0, waiter.amount - this.free);
    return {
      neededFor: waiter,
      request: {
        ownerId,
        sequence: this.#sequence,
        acknowledgedSequence: this.#acknowledged,
        nowMs,
        floorBucket: position.floorBucket,
        latestFloorBucket: position.floorBucket + (budget.window.kind === 'rolling' ? 1 : 0),
        bucket: position.bucket,
        limitNanoUsd: budget.limitNanoUsd,
        isHard: this.isHard,
        alertAtRatios: this.#alertRatios,
        settled: this.#live(position.floorBucket),
        keepNanoUsd: nanoUsd(keep),
        neededNanoUsd: nanoUsd(needed),
        wishNanoUsd: nanoUsd(isLast || waiter === undefined ? 0 : this.#wish(waiter)),
      },
    };
  }

  /** Takes an answer in. */
  answered(sent: Sent, reply: Extract<ExchangeReply, { kind: 'held' }>): void {
    this.#acknowledged = sent.request.sequence;
    if (this.isHard) this.#granted = reply.heldNanoUsd;
    this.#known = reply;
    this.#isUnderPressure = reply.isUnderPressure;
  }

  /** No answer came: what was to be told must be told again. */
  failed(): void {
    this.#isChanged = true;
  }

  /** Whether the amount would not fit if nobody held anything. */
  isSpent(amount: number): boolean {
    return this.usedNanoUsd + amount > this.budget.limitNanoUsd;
  }

  /** What of the slice is not needed: all that is free while calls wait, here or elsewhere, else what is beyond the usual demand. */
  #surplus(nowMs: number): number {
    if (!this.isHard || this.free <= 0) return 0;
    // Too little for the call that waits: were it kept, processes with calls that wait would keep all that is left from each other for ever.
    if (this.waiters.length > 0) return this.free;
    const isIdle = this.#taken === 0 && nowMs - this.askedAtMs >= IDLE_MS;
    if (this.#isUnderPressure || this.#isSparse || isIdle) return this.free;
    const usual = Math.ceil(WISH_ROUNDS * this.#recentDemand());
    return this.free > 2 * usual ? this.free - usual : 0;
  }

  #recentDemand(): number {
    return Math.max(this.#demand, this.#taken * DEMAND_WEIGHT);
  }

  #wish(waiter: Waiter): number {
    if (this.#isSparse) return 0;
    let waiting = 0;
    for (const each of this.waiters) if (each !== waiter) waiting += each.amount;
    return Math.ceil(waiting + Math.max(WISH_ROUNDS * this.#recentDemand(), WISH_ROUNDS * waiter.amount));
  }

  /** What was spent in the window; older buckets are forgotten. */
  #live(floorBucket: number): BucketAmounts {
    for (const bucket in this.#settled) if (Number(bucket) < floorBucket) delete this.#settled[bucket];
    return { ...this.#settled };
  }
}
