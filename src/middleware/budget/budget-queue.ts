import { accountLifeMs } from '../../core/budget/budget.ts';
import type { ExchangeReply } from '../../core/budget/account-state.ts';
import { FarthingError } from '../../core/errors.ts';
import type { BudgetStore, StoreReply } from '../../ports/budget-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EngineEvent, EventSink } from '../../ports/event-sink.ts';
import type { BudgetBoard } from './budget-board.ts';
import type { BudgetDesk, Waiter, WaitVerdict } from './budget-desk.ts';
import { alertOf } from './budget-facts.ts';
import type { BudgetMembership } from './budget-membership.ts';
import { budgetRefusal, budgetsUnavailable } from './budget-refusal.ts';

/** What a {@link BudgetQueue} works with. @internal */
export interface BudgetQueueOptions {
  readonly store: BudgetStore;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly board: BudgetBoard;
  readonly membership: BudgetMembership;
  /** Most accounts of one budget. */
  readonly maxAccounts: number;
}

/** How a call is reserved. @internal */
export interface ReserveTerms {
  /** For how long to wait for money that others hold, in milliseconds. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Takes refusals that may yet be averted by asking for less. Undefined: they are told at once. */
  readonly keptBack?: RefusalEvent[];
}

/** Tells that a budget refused a call. @internal */
export type RefusalEvent = Extract<EngineEvent, { readonly kind: 'budget-refused' }>;

/**
 * Calls that wait for money at a desk, and what is asked of the store for them. One exchange a desk is under way at a time.
 * @internal
 */
export class BudgetQueue {
  readonly #options: BudgetQueueOptions;
  readonly #membership: BudgetMembership;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: BudgetQueueOptions) {
    this.#options = options;
    this.#membership = options.membership;
  }

  /** Waits for a promise that has to be made in one epoch: one of a later epoch is given back, one of an earlier is void. */
  async promise(epoch: number, desk: BudgetDesk, amount: number, terms: ReserveTerms): Promise<void> {
    const promisedIn = await this.#wait(desk, amount, terms);
    if (this.#membership.epoch === epoch) return;
    if (promisedIn === this.#membership.epoch) {
      desk.giveBack(amount);
      this.serve(desk);
    }
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
          if (verdict === 'reserved') resolve(this.#membership.epoch);
          else reject(this.#refusal(desk, verdict, amount, terms));
        },
      };
      if (terms.signal.aborted) return leave();
      terms.signal.addEventListener('abort', leave, { once: true });
      desk.waiters.push(waiter);
      this.#options.board.touch(desk);
      this.serve(desk);
      if (desk.waiters.length > 0) void this.ask(desk, false);
      return undefined;
    });
  }

  #refusal(
    desk: BudgetDesk,
    verdict: Exclude<WaitVerdict, 'reserved'>,
    amount: number,
    terms: ReserveTerms,
  ): FarthingError {
    const event: RefusalEvent = { kind: 'budget-refused', budget: desk.budget.name, reason: verdict };
    if (terms.keptBack === undefined) this.#options.events.emit(event);
    else terms.keptBack.push(event);
    return budgetRefusal(desk, verdict, amount, this.#options.clock.nowMs());
  }

  /** Gives what is free to those who wait, first come first served. */
  serve(desk: BudgetDesk): void {
    while (this.#membership.mayPromise()) {
      const waiter = desk.waiters[0];
      if (waiter === undefined || !desk.take(waiter.amount)) return;
      desk.waiters.shift();
      waiter.done('reserved');
    }
  }

  /** As `serve`, at every desk; asks for those who still wait. */
  serveAll(): void {
    for (const desk of this.#options.board.desks()) {
      this.serve(desk);
      if (desk.waiters.length > 0) void this.ask(desk, false);
    }
  }

  /** Gives up those who waited long enough. */
  expire(desk: BudgetDesk): void {
    const nowMs = this.#now();
    const late = desk.waiters.filter((waiter) => waiter.deadlineMs <= nowMs && !desk.isAsking);
    for (const waiter of late) {
      desk.waiters.splice(desk.waiters.indexOf(waiter), 1);
      waiter.done(this.#membership.isReady ? 'held' : 'failed');
    }
  }

  /** Tells the store what is so at a desk, and asks for what is waited for. @param isLast - gives back all that is not promised. */
  ask(desk: BudgetDesk, isLast: boolean): Promise<void> {
    const work = this.#ask(desk, isLast);
    this.#underWay.add(work);
    return work.finally(() => this.#underWay.delete(work));
  }

  /** Resolves when everything that was asked so far has been answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #ask(desk: BudgetDesk, isLast: boolean): Promise<void> {
    const { generation, ownerId } = this.#membership;
    if (desk.isAsking || generation === undefined || !this.#membership.isReady) return;
    desk.isAsking = true;
    const { epoch } = this.#membership;
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
    if (epoch !== this.#membership.epoch || generation !== this.#membership.generation) return;
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
    this.serve(desk);
    const waiter = desk.waiters[0];
    if (waiter === undefined || isLast) return;
    if (desk.isSpent(waiter.amount)) {
      desk.waiters.shift();
      waiter.done('spent');
      this.serve(desk);
    } else if (waiter.deadlineMs <= this.#now()) {
      desk.waiters.shift();
      waiter.done('held');
    }
    // A waiter that this exchange was not about is asked for at once; the one it was about, with the next tick.
    if (desk.waiters[0] !== undefined && desk.waiters[0] !== sent.neededFor) void this.ask(desk, false);
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

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
