import type { ExchangeReply } from '../../core/budget/account-state.ts';
import { accountLifeMs, type Budget, type SpendingFacts } from '../../core/budget/budget.ts';
import { FarthingError } from '../../core/errors.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../core/money.ts';
import type { BudgetStore, StoreReply } from '../../ports/budget-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { ChargeReceipt, LedgerOwner } from '../../ports/ledger.ts';
import { BudgetBoard } from './budget-board.ts';
import type { BudgetDesk, Waiter, WaitVerdict } from './budget-desk.ts';
import { alertOf, type RemainingBudget, remainingOf } from './budget-facts.ts';
import { BudgetMembership } from './budget-membership.ts';
import { budgetRefusal, budgetsUnavailable } from './budget-refusal.ts';
import { type PendingCharge, Reservation, type ReservationKeeper } from './reservation.ts';

/** What a {@link BudgetKeeper} is made of. @internal */
export interface BudgetKeeperOptions {
  readonly store: BudgetStore;
  readonly ledger: Pick<LedgerOwner, 'ownerId' | 'leaseUntilMs' | 'recover' | 'beforeNewOwner'>;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly budgets: readonly Budget[];
  /** Most accounts of one budget: `limits.maxTagValues`. */
  readonly maxAccounts: number;
  /**
   * By how much the clocks of two machines may differ, in milliseconds: so long before its lease ends this process promises nothing more.
   * @defaultValue {@link CLOCK_SKEW_MS}
   */
  readonly clockSkewMs?: number;
}

/** How a call is reserved. @internal */
export interface ReserveTerms {
  /** For how long to wait for money that others hold, in milliseconds. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Machines that keep their time by NTP differ by far less; a third of the ledger's lease of 15 s, which is renewed every 5 s. */
const CLOCK_SKEW_MS = 5000;

/** How long a desk that has something to tell waits for more of it, in milliseconds. Money that is spent stays held until then. */
const REPORT_MS = 250;

/** Most desks that report in one round, so that ten thousand users do not hold up the event loop; in turn, when there are more. */
const MAX_REPORTS = 128;

/**
 * Holds this process's slices of all budgets and decides on them: the usual call is reserved without asking anybody. Used and reserved money
 * together never pass a hard limit, since a store gives out no more than is left, and what is promised here never is more than was given.
 *
 * It has no timers: whoever made it calls `tick` a few times a second.
 * @internal
 */
export class BudgetKeeper implements ReservationKeeper {
  readonly #options: BudgetKeeperOptions;
  readonly #board: BudgetBoard;
  readonly #membership: BudgetMembership;
  readonly #pending = new Set<PendingCharge>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: BudgetKeeperOptions) {
    this.#options = options;
    this.#board = new BudgetBoard(options.budgets);
    this.#membership = new BudgetMembership({
      ...options,
      clockSkewMs: options.clockSkewMs ?? CLOCK_SKEW_MS,
      board: this.#board,
      pending: this.#pending,
      onReady: () => this.#serveAll(),
    });
  }

  get epoch(): number {
    return this.#membership.epoch;
  }

  get ownerId(): string {
    return this.#membership.ownerId;
  }

  /** The line from which on this process counts its own rows of the ledger; a clock that was set back must not date a charge before it. */
  get cutMs(): number {
    return this.#membership.cutMs;
  }

  /** Whether money can be given out now. */
  get isReady(): boolean {
    return this.#membership.isReady;
  }

  /** Set when the store has lost counters, or does not have some of these budgets: somebody must build them again. */
  get rebuildReason(): 'absent' | 'lost' | 'definitions' | undefined {
    return this.#membership.rebuildReason;
  }

  /** The generation of the counters that this process works with. */
  get generation(): string | undefined {
    return this.#membership.generation;
  }

  /** The budgets that are counted now. */
  get budgets(): readonly Budget[] {
    return this.#board.budgets;
  }

  /** Joins, if it can be done at once. Never rejects: what fails is tried again with each `tick`. */
  async open(): Promise<void> {
    await this.#membership.look();
  }

  /** Counts other budgets from now on. Those that only changed their limit, mode or alerts keep what was used. */
  setBudgets(budgets: readonly Budget[]): void {
    if (this.#board.setBudgets(budgets)) this.#membership.definitionsAdded();
  }

  /** Whether any hard budget counts a call, so that its size must be bounded. */
  isHeldToLimit(facts: SpendingFacts): boolean {
    return this.#board.desksOf(facts).some((desk) => desk.isHard);
  }

  /** Budgets that count a call, with what is left of them. */
  remaining(facts: SpendingFacts): readonly RemainingBudget[] {
    return this.#board.desksOf(facts).map(remainingOf);
  }

  /**
   * What is left of the hard budgets of a call, where all that are too small allow its output limit to be lowered; undefined where one of
   * them does not.
   */
  leftToLower(facts: SpendingFacts): NanoUsd | undefined {
    const hard = this.#board.desksOf(facts).filter((desk) => desk.isHard);
    const least = Math.min(...hard.map((desk) => remainingOf(desk).leftNanoUsd));
    const tightest = hard.filter((desk) => remainingOf(desk).leftNanoUsd === least);
    return tightest.every((desk) => desk.budget.onLowBudget === 'lower') && tightest.length > 0
      ? nanoUsd(least)
      : undefined;
  }

  /**
   * Holds `amount` for a call on each hard budget that counts it, in one fixed order; a refusal gives back what was held before.
   * @throws FarthingError `budget-spent` (402), `budget-held` (429), `budget-full` (429) or `store-unavailable` (503)
   */
  reserve(facts: SpendingFacts, amount: number, terms: ReserveTerms): Reservation | Promise<Reservation> {
    const lines = new Map<BudgetDesk, number>();
    const desks = this.#board.desksOf(facts);
    if (this.#membership.mayPromise()) {
      let hasAll = true;
      for (const desk of desks) {
        if (desk.waiters.length === 0 && desk.take(amount)) lines.set(desk, desk.isHard ? amount : 0);
        else {
          hasAll = false;
          break;
        }
      }
      if (hasAll) return new Reservation(this, facts, lines);
      this.giveBack(lines);
    }
    if (!desks.some((desk) => desk.isHard)) return new Reservation(this, facts, new Map());
    return this.#reserveSlowly(facts, amount, terms);
  }

  async extend(reservation: Reservation, facts: SpendingFacts, amount: number): Promise<void> {
    if (!reservation.isHeld) throw budgetsUnavailable();
    const desks = this.#board.desksOf(facts);
    if (desks.every((desk) => !desk.isHard || reservation.heldOn(desk) >= amount)) return;
    await this.#pinned(desks, () => this.#extend(reservation, desks, amount));
  }

  async #extend(reservation: Reservation, desks: readonly BudgetDesk[], amount: number): Promise<void> {
    for (const desk of desks) {
      const missing = desk.isHard ? amount - reservation.heldOn(desk) : 0;
      if (missing <= 0) continue;
      const isTaken = this.#membership.mayPromise() && desk.take(missing);
      // oxlint-disable-next-line no-await-in-loop -- one budget after the other, in their order
      if (!isTaken) await this.#waitIn(this.epoch, desk, missing, { waitMs: 0, signal: new AbortController().signal });
      if (!reservation.isHeld) throw budgetsUnavailable();
      reservation.add(desk, missing);
    }
  }

  book(facts: SpendingFacts, receipt: ChargeReceipt, fromReserved: ReadonlyMap<BudgetDesk, number>): void {
    const { epoch } = this;
    const isCounted = this.#membership.counts(receipt);
    // Looking at the receipt may have shown that this process was taken for dead: promises of before are void then.
    const rest = new Map(epoch === this.epoch ? fromReserved : []);
    const { amountNanoUsd } = receipt;
    for (const desk of isCounted && amountNanoUsd !== undefined ? this.#board.desksOf(facts) : []) {
      desk.book(amountNanoUsd ?? ZERO_USD, receipt.atMs, rest.get(desk) ?? 0);
      this.#board.touch(desk);
      rest.delete(desk);
    }
    this.giveBack(rest);
    for (const desk of fromReserved.keys()) this.#serve(desk);
  }

  giveBack(lines: ReadonlyMap<BudgetDesk, number>): void {
    for (const [desk, amount] of lines) {
      desk.giveBack(amount);
      this.#serve(desk);
    }
  }

  pending(charge: PendingCharge, isOpen: boolean): void {
    if (isOpen) this.#pending.add(charge);
    else this.#pending.delete(charge);
  }

  /** Reports what was spent, asks again for calls that wait, and gives up those that waited long enough. */
  tick(): void {
    const nowMs = this.#options.clock.nowMs();
    this.#track(this.#membership.look());
    const { isReady } = this.#membership;
    let reports = 0;
    for (const desk of this.#board.busy()) {
      if (desk.waiters.length > 0) this.#expire(desk);
      if (!isReady || desk.isAsking) continue;
      if (desk.isIdle) this.#board.rest(desk);
      const isDue = nowMs - desk.askedAtMs >= REPORT_MS && desk.isDue(nowMs);
      if (desk.waiters.length === 0 && (!isDue || reports >= MAX_REPORTS)) continue;
      reports += 1;
      this.#board.toEnd(desk);
      this.#track(this.#ask(desk, false));
    }
    this.#board.forget((desk) => desk.mayBeForgotten(nowMs));
  }

  /** Resolves when everything that was asked so far has been answered, and with `isLast` all that is not promised has been given back. */
  async settleDown(isLast: boolean): Promise<void> {
    await Promise.all(this.#underWay);
    if (!isLast || !this.#membership.isReady) return;
    await Promise.all([...this.#board.desks()].filter((desk) => !desk.isIdle).map((desk) => this.#ask(desk, true)));
  }

  async #reserveSlowly(facts: SpendingFacts, amount: number, terms: ReserveTerms): Promise<Reservation> {
    const deadlineMs = this.#now() + terms.waitMs;
    if (!this.#membership.mayPromise()) await this.#membership.whenReady(deadlineMs, terms.signal);
    const desks = this.#board.desksOf(facts);
    return this.#pinned(desks, () => this.#reserveInTurn(facts, desks, amount, { ...terms, deadlineMs }));
  }

  async #reserveInTurn(
    facts: SpendingFacts,
    desks: readonly BudgetDesk[],
    amount: number,
    terms: ReserveTerms & { readonly deadlineMs: number },
  ): Promise<Reservation> {
    const { epoch } = this;
    const lines = new Map<BudgetDesk, number>();
    try {
      for (const desk of desks) {
        if (!desk.isHard) continue;
        const waitMs = Math.max(0, terms.deadlineMs - this.#now());
        // oxlint-disable-next-line no-await-in-loop -- one budget after the other, in their order
        await this.#waitIn(epoch, desk, amount, { ...terms, waitMs });
        lines.set(desk, amount);
      }
      return new Reservation(this, facts, lines);
    } catch (error) {
      if (epoch === this.epoch) this.giveBack(lines);
      throw error;
    }
  }

  /** Keeps desks from being forgotten while calls are about to use them. */
  async #pinned<Result>(desks: readonly BudgetDesk[], work: () => Promise<Result>): Promise<Result> {
    for (const desk of desks) desk.pins += 1;
    try {
      return await work();
    } finally {
      for (const desk of desks) desk.pins -= 1;
    }
  }

  /** Waits for a promise that has to be made in one epoch: one of a later epoch is given back, one of an earlier is void. */
  async #waitIn(epoch: number, desk: BudgetDesk, amount: number, terms: ReserveTerms): Promise<void> {
    const promisedIn = await this.#wait(desk, amount, terms);
    if (this.epoch === epoch) return;
    if (promisedIn === this.epoch) this.giveBack(new Map([[desk, amount]]));
    throw budgetsUnavailable();
  }

  /** Resolves when the desk has promised the amount, with the epoch in which it did. */
  #wait(desk: BudgetDesk, amount: number, terms: ReserveTerms): Promise<number> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        const at = desk.waiters.indexOf(waiter);
        if (at !== -1) desk.waiters.splice(at, 1);
        reject(new FarthingError('client-left', 'nobody waits for the answer'));
      };
      const waiter: Waiter = {
        amount,
        deadlineMs: this.#now() + terms.waitMs,
        done: (verdict) => {
          terms.signal.removeEventListener('abort', leave);
          if (verdict === 'reserved') resolve(this.epoch);
          else reject(this.#refusal(desk, verdict, amount));
        },
      };
      if (terms.signal.aborted) return leave();
      terms.signal.addEventListener('abort', leave, { once: true });
      desk.waiters.push(waiter);
      this.#board.touch(desk);
      this.#serve(desk);
      if (desk.waiters.length > 0) this.#track(this.#ask(desk, false));
      return undefined;
    });
  }

  #refusal(desk: BudgetDesk, verdict: Exclude<WaitVerdict, 'reserved'>, amount: number): FarthingError {
    this.#options.events.emit({ kind: 'budget-refused', budget: desk.budget.name, reason: verdict });
    return budgetRefusal(desk, verdict, amount, this.#options.clock.nowMs());
  }

  /** Gives what is free to those who wait, first come first served. */
  #serve(desk: BudgetDesk): void {
    while (this.#membership.mayPromise()) {
      const waiter = desk.waiters[0];
      if (waiter === undefined || !desk.take(waiter.amount)) return;
      desk.waiters.shift();
      waiter.done('reserved');
    }
  }

  #serveAll(): void {
    for (const desk of this.#board.desks()) {
      this.#serve(desk);
      if (desk.waiters.length > 0) this.#track(this.#ask(desk, false));
    }
  }

  #expire(desk: BudgetDesk): void {
    const nowMs = this.#now();
    const late = desk.waiters.filter((waiter) => waiter.deadlineMs <= nowMs && !desk.isAsking);
    for (const waiter of late) {
      desk.waiters.splice(desk.waiters.indexOf(waiter), 1);
      waiter.done(this.#membership.isReady ? 'held' : 'failed');
    }
  }

  async #ask(desk: BudgetDesk, isLast: boolean): Promise<void> {
    const { generation, ownerId } = this.#membership;
    if (desk.isAsking || generation === undefined || !this.#membership.isReady) return;
    desk.isAsking = true;
    const { epoch } = this;
    const sent = desk.ask(ownerId, this.#options.clock.nowMs(), desk.waiters[0], isLast);
    let reply: StoreReply | { readonly kind: 'fault'; readonly error: unknown };
    try {
      reply = await this.#options.store.exchange(desk.account, sent.request, {
        generation,
        maxAccounts: this.#options.maxAccounts,
        keepMs: accountLifeMs(desk.budget.window),
      });
    } catch (error) {
      reply = { kind: 'fault', error };
    }
    desk.isAsking = false;
    // Another owner id or generation: the desk has started over, and this answer speaks of before.
    if (epoch !== this.epoch || generation !== this.#membership.generation) return;
    if (reply.kind === 'held') this.#answered(desk, sent, reply, isLast);
    else await this.#unanswered(desk, reply, isLast);
  }

  #answered(
    desk: BudgetDesk,
    sent: ReturnType<BudgetDesk['ask']>,
    reply: Extract<ExchangeReply, { kind: 'held' }>,
    isLast: boolean,
  ): void {
    desk.answered(sent, reply);
    for (const ratio of reply.crossedRatios) {
      this.#options.events.emit({
        kind: 'budget-alert',
        alert: alertOf(desk, ratio, reply.usedNanoUsd, sent.request.nowMs),
      });
    }
    this.#serve(desk);
    const waiter = desk.waiters[0];
    if (waiter === undefined || isLast) return;
    if (desk.isSpent(waiter.amount)) {
      desk.waiters.shift();
      waiter.done('spent');
      this.#serve(desk);
    } else if (waiter.deadlineMs <= this.#now()) {
      desk.waiters.shift();
      waiter.done('held');
    }
    // A waiter that this exchange was not about is asked for at once; the one it was about, with the next tick.
    if (desk.waiters[0] !== undefined && desk.waiters[0] !== sent.neededFor) this.#track(this.#ask(desk, false));
  }

  async #unanswered(
    desk: BudgetDesk,
    reply: Exclude<StoreReply, { kind: 'held' }> | { readonly kind: 'fault'; readonly error: unknown },
    isLast: boolean,
  ): Promise<void> {
    desk.failed();
    switch (reply.kind) {
      case 'superseded':
        desk.catchUp();
        return this.#ask(desk, isLast);
      case 'created':
        if (await this.#membership.isCurrent()) await this.#ask(desk, isLast);
        return undefined;
      case 'full':
        return this.#failWaiters(desk, 'full');
      case 'stale':
        return this.#membership.look();
      case 'lost':
        return this.#membership.lost();
      case 'fenced':
        return this.#membership.fenced();
      case 'fault':
        this.#options.events.emit({
          kind: 'store-failed',
          store: 'budgets',
          operation: 'exchange',
          error: reply.error,
        });
        return this.#failWaiters(desk, 'failed');
    }
  }

  #failWaiters(desk: BudgetDesk, verdict: 'full' | 'failed'): void {
    for (const waiter of desk.waiters.splice(0)) waiter.done(verdict);
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
