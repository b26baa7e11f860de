import { accountLifeMs } from '../../core/budget/budget.ts';
import { FarthingError } from '../../core/errors.ts';
import type { BudgetStanding, BudgetStore } from '../../ports/budget-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { ChargeReceipt, LedgerOwner } from '../../ports/ledger.ts';
import type { BudgetBoard } from './budget-board.ts';
import type { BudgetDesk } from './budget-desk.ts';
import { budgetsUnavailable } from './budget-refusal.ts';
import type { PendingCharge } from './reservation.ts';

/** What a {@link BudgetMembership} works with. @internal */
export interface BudgetMembershipOptions {
  readonly store: BudgetStore;
  readonly ledger: Pick<LedgerOwner, 'ownerId' | 'leaseUntilMs' | 'recover' | 'beforeNewOwner'>;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly board: BudgetBoard;
  /** Charges whose rows are not durable yet. */
  readonly pending: ReadonlySet<PendingCharge>;
  readonly maxAccounts: number;
  readonly clockSkewMs: number;
  /** Money can be given out again. */
  readonly onReady: () => void;
}

/** How often the store is asked what its counters are worth, in milliseconds: while they are good, and while they are awaited. */
const LOOK_MS = 500;
const AWAIT_LOOK_MS = 25;

interface ReadyWaiter {
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: FarthingError) => void;
}

/**
 * This process as an owner of slices: under which owner id and in which generation of the counters it spends, and whether it may.
 *
 * When counters are built again each owner draws a line, its cut: rows of the ledger that were booked before it are counted by whoever builds, those
 * from it on by the owner itself, corrections too, whatever the time of their estimates. It joins only when every charge from before the line is
 * durable, so that each row is counted once.
 * @internal
 */
export class BudgetMembership {
  readonly #options: BudgetMembershipOptions;
  #ownerId: string;
  #epoch = 0;
  #generation: string | undefined;
  #phase: 'outside' | 'announcing' | 'joined' | 'ready' = 'outside';
  #cutMs = 0;
  /** Whether rows were written under the present owner id, which a building that passed us by may or may not have seen. */
  #hasBooked = false;
  /** The latest time that a row of the present owner was booked at. */
  #latestRowMs = 0;
  /** The latest owner id that was joined before its first row, and the generation. */
  #admitted: { readonly ownerId: string; readonly generation: string } | undefined;
  #reason: 'absent' | 'lost' | 'definitions' | undefined;
  #looking: Promise<void> | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isRenewing = false;
  #waiters: ReadyWaiter[] = [];

  constructor(options: BudgetMembershipOptions) {
    this.#options = options;
    this.#ownerId = options.ledger.ownerId;
    options.ledger.beforeNewOwner((ownerId) => this.#admit(ownerId));
  }

  /** Grows when this process finds itself under another owner id. */
  get epoch(): number {
    if (this.#options.ledger.ownerId !== this.#ownerId) this.#changeOwner();
    return this.#epoch;
  }

  get ownerId(): string {
    return this.#ownerId;
  }

  get cutMs(): number {
    return this.#cutMs;
  }

  get generation(): string | undefined {
    return this.#generation;
  }

  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  get rebuildReason(): 'absent' | 'lost' | 'definitions' | undefined {
    return this.#reason;
  }

  /** Whether money may be promised at this moment: the counters are good, and nobody can take this process for dead. */
  mayPromise(): boolean {
    const { ledger, clock, clockSkewMs } = this.#options;
    if (ledger.ownerId !== this.#ownerId) this.#changeOwner();
    if (this.#phase !== 'ready') return false;
    if (clock.nowMs() < ledger.leaseUntilMs - clockSkewMs) return true;
    if (!this.#isRenewing) this.#renew();
    return false;
  }

  /** A process that stood still: it may find itself under another owner id. */
  #renew(): void {
    const { ledger, clock, onReady } = this.#options;
    this.#isRenewing = true;
    ledger
      .recover(clock.nowMs())
      .then(onReady, (error: unknown) => this.#fault('lease', error))
      .finally(() => {
        this.#isRenewing = false;
      });
  }

  /** Whether a row of the ledger is for this process to count. */
  counts(receipt: ChargeReceipt): boolean {
    if (this.#options.ledger.ownerId !== this.#ownerId) this.#changeOwner();
    if (receipt.ownerId !== this.#ownerId) return false; // counted with the owner that it stands under, when that one is folded
    this.#hasBooked = true;
    this.#latestRowMs = Math.max(this.#latestRowMs, receipt.bookedAtMs);
    return receipt.bookedAtMs >= this.#cutMs;
  }

  /** Resolves when money can be promised. @throws FarthingError `store-unavailable` at the deadline, `client-left` */
  whenReady(deadlineMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter);
        reject(new FarthingError('client-left', 'nobody waits for the answer'));
      };
      const settled = <T extends unknown[]>(then: (...values: T) => void) => {
        return (...values: T): void => {
          signal.removeEventListener('abort', leave);
          then(...values);
        };
      };
      const waiter: ReadyWaiter = { deadlineMs, resolve: settled(() => resolve()), reject: settled(reject) };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      this.#waiters.push(waiter);
      return undefined;
    });
  }

  /** Looks at the store's standing, when it is time to, and does what follows from it. Never rejects. */
  look(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    this.#expire(nowMs);
    if (this.mayPromise()) this.#release();
    const isTime = nowMs - this.#lookedAtMs >= (this.#phase === 'ready' ? LOOK_MS : AWAIT_LOOK_MS);
    if (this.#looking !== undefined || !isTime) return this.#looking ?? Promise.resolve();
    this.#lookedAtMs = nowMs;
    this.#looking = this.#lookNow()
      .catch((error: unknown) => this.#fault('standing', error))
      .finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Whether the counters still are those that this process works with. Never rejects. */
  async isCurrent(): Promise<boolean> {
    const { generation } = this;
    // One look at a time: an answer from before must not be taken for the present.
    await this.#looking;
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
    await this.look();
    return this.#phase === 'ready' && generation === this.#generation;
  }

  /** The store does not know any more what it had acknowledged. */
  lost(): void {
    this.#reason = 'lost';
    this.#phase = 'outside';
  }

  /** The store has folded this owner, so the ledger has ended it. */
  async fenced(): Promise<void> {
    const { ledger, clock } = this.#options;
    try {
      await ledger.recover(clock.nowMs());
    } catch (error) {
      this.#fault('lease', error);
      return;
    }
    if (ledger.ownerId === this.#ownerId) this.lost();
    else this.#changeOwner();
  }

  /** Budgets are counted from now on that were not: what was spent meanwhile must be looked up in the ledger. */
  definitionsAdded(): void {
    this.#reason = 'definitions';
    this.#phase = 'outside';
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
  }

  async #lookNow(): Promise<void> {
    this.#apply(await this.#options.store.standing());
    if (this.#phase === 'announcing') await this.#announce();
  }

  #apply(standing: BudgetStanding): void {
    const { generation, phase } = standing;
    if (generation === undefined || phase === 'absent') {
      this.#reason = 'absent';
      this.#phase = 'outside';
      return;
    }
    if (generation !== this.#generation || this.#phase === 'outside') this.#enter(generation, standing);
    if (phase === 'building') return;
    const known = new Set(standing.definitions);
    const isComplete = this.#options.board.definitions.every((definition) => known.has(definition));
    if (!isComplete) {
      this.#reason = 'definitions';
      this.#phase = 'outside';
      return;
    }
    const hasJoined = standing.owners.some(({ ownerId }) => ownerId === this.#ownerId);
    if (this.#phase === 'joined' && hasJoined) this.#becomeReady();
    // Taken off the list: its line was not seen. The next look joins anew.
    else if (this.#phase === 'joined') this.#phase = 'outside';
  }

  #enter(generation: string, standing: BudgetStanding): void {
    if (generation === this.#generation && this.#reason !== undefined) return; // waits for another generation
    this.#generation = generation;
    this.#reason = undefined;
    const own = standing.owners.find(({ ownerId }) => ownerId === this.#ownerId);
    const admitted = this.#admitted;
    const isAdmitted = admitted?.ownerId === this.#ownerId && admitted.generation === generation;
    if (own !== undefined || isAdmitted) {
      // Also when this standing is from before the admission: whoever builds may have read that line, so that no other can be drawn.
      this.#cutMs = own?.cutMs ?? 0;
      this.#phase = 'joined';
      return;
    }
    if (standing.phase === 'ready' && (this.#hasBooked || this.#options.pending.size > 0)) {
      // Built without this process: nobody can tell which of its rows were counted.
      this.lost();
      return;
    }
    // Behind every row that has been counted already, also those of this very millisecond.
    this.#cutMs = standing.phase === 'ready' ? 0 : Math.max(this.#options.clock.nowMs(), this.#latestRowMs + 1);
    for (const desk of this.#options.board.desks()) desk.restart(desk.reserved);
    this.#phase = 'announcing';
  }

  /** Says what is held under the new generation, and joins it. */
  async #announce(): Promise<void> {
    const { store, board, pending, clock, maxAccounts } = this.#options;
    const generation = this.#generation ?? '';
    const [epoch, ownerId, cutMs] = [this.#epoch, this.#ownerId, this.#cutMs];
    const isSame = (): boolean => epoch === this.#epoch && generation === this.#generation;
    for (const charge of pending) if (charge.atMs < cutMs) return; // its row must be there first; the next look tries again
    for (const desk of board.desks()) {
      // oxlint-disable-next-line no-await-in-loop -- a few, and all before joining
      if (!desk.isIdle && !(await this.#hold(desk, generation, maxAccounts))) return;
      if (!isSame()) return;
    }
    const hasJoined = await store.join({ ownerId, cutMs }, generation);
    if (!isSame()) return;
    if (!hasJoined) this.#phase = 'outside';
    else this.#phase = 'joined';
    if (hasJoined) this.#apply(await store.standing());
    this.#lookedAtMs = clock.monotonicMs();
  }

  async #hold(desk: BudgetDesk, generation: string, maxAccounts: number): Promise<boolean> {
    const { store, clock } = this.#options;
    for (let tries = 0; tries < 3; tries += 1) {
      const sent = desk.ask(this.#ownerId, clock.nowMs(), undefined, true);
      const keepMs = accountLifeMs(desk.budget.window);
      // oxlint-disable-next-line no-await-in-loop -- a further try after the one before
      const reply = await store.exchange(desk.account, sent.request, { generation, maxAccounts, keepMs });
      if (reply.kind === 'held') {
        desk.answered(sent, reply);
        return true;
      }
      desk.failed();
      if (reply.kind === 'superseded') desk.catchUp();
      if (reply.kind !== 'created' && reply.kind !== 'superseded') return false;
    }
    return false;
  }

  /** Joins under an owner id that nothing has been written under yet, so that whatever is will be counted. */
  async #admit(ownerId: string): Promise<void> {
    const { store } = this.#options;
    for (let tries = 0; tries < 3; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- again when the generation has changed in between
      const { generation } = await store.standing();
      if (generation === undefined) return;
      // oxlint-disable-next-line no-await-in-loop
      if (await store.join({ ownerId, cutMs: 0 }, generation)) {
        this.#admitted = { ownerId, generation };
        return;
      }
    }
    throw budgetsUnavailable();
  }

  #becomeReady(): void {
    this.#phase = 'ready';
    this.#reason = undefined;
    if (this.mayPromise()) this.#release();
    this.#options.onReady();
  }

  /** This process was taken for dead: its slices are gone, and what it promised is charged at its upper bound. */
  #changeOwner(): void {
    this.#ownerId = this.#options.ledger.ownerId;
    this.#epoch += 1;
    this.#hasBooked = false;
    this.#cutMs = 0;
    this.#phase = 'outside';
    this.#generation = undefined;
    this.#lookedAtMs = Number.NEGATIVE_INFINITY;
    for (const desk of this.#options.board.desks()) desk.restart(0);
  }

  #release(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  #expire(nowMs: number): void {
    const late = this.#waiters.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    this.#waiters = this.#waiters.filter(({ deadlineMs }) => deadlineMs > nowMs);
    for (const waiter of late) waiter.reject(budgetsUnavailable());
  }

  #fault(operation: string, error: unknown): void {
    this.#options.events.emit({ kind: 'store-failed', store: 'budgets', operation, error });
  }
}
