import { type Budget, isOwn, type SpendingFacts } from '../../core/budget/budget.ts';
import { GenerationalMap } from '../../core/generational-map.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../core/money.ts';
import type { BudgetStore } from '../../ports/budget-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { ChargeReceipt, LedgerOwner } from '../../ports/ledger.ts';
import { BudgetBoard } from './budget-board.ts';
import type { BudgetDesk } from './budget-desk.ts';
import { type RemainingBudget, remainingOf } from './budget-facts.ts';
import { BudgetMembership } from './budget-membership.ts';
import { BudgetQueue, type RefusalEvent, type ReserveTerms } from './budget-queue.ts';
import { budgetsUnavailable } from './budget-refusal.ts';
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

/** Machines that keep their time by NTP differ by far less; a third of the ledger's lease of 15 s, which is renewed every 5 s. */
const CLOCK_SKEW_MS = 5000;

/** How long a desk that has something to tell waits for more of it, in milliseconds. Money that is spent stays held until then. */
const REPORT_MS = 250;

/** Charges of deferred calls that are remembered as booked, about 60 bytes each. Ours: more than a batch has. */
const MAX_SETTLED = 200_000;

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
  readonly #settled = new GenerationalMap<string, true>(MAX_SETTLED);
  readonly #queue: BudgetQueue;

  constructor(options: BudgetKeeperOptions) {
    this.#options = options;
    this.#board = new BudgetBoard(options.budgets);
    this.#membership = new BudgetMembership({
      ...options,
      clockSkewMs: options.clockSkewMs ?? CLOCK_SKEW_MS,
      board: this.#board,
      pending: this.#pending,
      onReady: () => this.#queue.serveAll(),
    });
    this.#queue = new BudgetQueue({ ...options, board: this.#board, membership: this.#membership });
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

  /** Budgets that count a call, with what is left of them; `own` leaves out those that others spend from, too. */
  remaining(facts: SpendingFacts, whose: 'all' | 'own' = 'all'): readonly RemainingBudget[] {
    const desks = this.#board.desksOf(facts);
    return (whose === 'all' ? desks : desks.filter(({ budget }) => isOwn(budget.scope))).map(remainingOf);
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

  /** Books charges that no money is held for here: what they cost was held by a row of the ledger. */
  withoutMoney(facts: SpendingFacts): Reservation {
    return new Reservation(this, facts, new Map());
  }

  /**
   * Whether a charge that may be settled again and again is settled for the first time in this process: its receipt is the same each time, and is to be booked once.
   * Remembered here, since engines come and go with reloads while what they booked stays.
   */
  isFirst(chargeId: string): boolean {
    const isFirst = this.#settled.get(chargeId) === undefined;
    this.#settled.set(chargeId, true);
    return isFirst;
  }

  /** Tells of refusals that were kept back and that nothing has averted. */
  tell(refusals: readonly RefusalEvent[]): void {
    for (const event of refusals) this.#options.events.emit(event);
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
      const terms = { waitMs: 0, signal: new AbortController().signal };
      // oxlint-disable-next-line no-await-in-loop -- one budget after the other, in their order
      if (!isTaken) await this.#queue.promise(this.epoch, desk, missing, terms);
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
    for (const desk of fromReserved.keys()) this.#queue.serve(desk);
  }

  giveBack(lines: ReadonlyMap<BudgetDesk, number>): void {
    for (const [desk, amount] of lines) {
      desk.giveBack(amount);
      this.#queue.serve(desk);
    }
  }

  pending(charge: PendingCharge, isOpen: boolean): void {
    if (isOpen) this.#pending.add(charge);
    else this.#pending.delete(charge);
  }

  /** Reports what was spent, asks again for calls that wait, and gives up those that waited long enough. */
  tick(): void {
    const nowMs = this.#options.clock.nowMs();
    void this.#membership.look();
    const { isReady } = this.#membership;
    let reports = 0;
    for (const desk of this.#board.busy()) {
      if (desk.waiters.length > 0) this.#queue.expire(desk);
      if (!isReady || desk.isAsking) continue;
      if (desk.isIdle) this.#board.rest(desk);
      const isDue = nowMs - desk.askedAtMs >= REPORT_MS && desk.isDue(nowMs);
      if (desk.waiters.length === 0 && (!isDue || reports >= MAX_REPORTS)) continue;
      reports += 1;
      void this.#queue.ask(desk, false);
      // Not one that could not be asked, since this process has just been taken for dead: it would come again for ever.
      if (desk.isAsking) this.#board.toEnd(desk);
    }
    this.#board.forget((desk) => desk.mayBeForgotten(nowMs));
  }

  /** Resolves when everything that was asked so far has been answered, and with `isLast` all that is not promised has been given back. */
  async settleDown(isLast: boolean): Promise<void> {
    await this.#queue.settled();
    if (!isLast || !this.#membership.isReady) return;
    await Promise.all(
      [...this.#board.desks()].filter((desk) => !desk.isIdle).map((desk) => this.#queue.ask(desk, true)),
    );
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
        await this.#queue.promise(epoch, desk, amount, { ...terms, waitMs });
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

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
