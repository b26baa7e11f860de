import type { SpendingFacts } from '../../core/budget/budget.ts';
import type { NanoUsd } from '../../core/money.ts';
import type { ChargeReceipt } from '../../ports/ledger.ts';
import type { BudgetDesk } from './budget-desk.ts';

/** What a reservation asks of the keeper that made it. @internal */
export interface ReservationKeeper {
  /** Grows when promises of before count no more: this process was taken for dead. */
  readonly epoch: number;
  /** The owner id that promises are made under. */
  readonly ownerId: string;
  /** The promise of more money for the same call; rejects as `reserve` does. */
  extend(reservation: Reservation, facts: SpendingFacts, amount: number): Promise<void>;
  /** Books a row of the ledger on every account that counts it. */
  book(facts: SpendingFacts, receipt: ChargeReceipt, fromReserved: ReadonlyMap<BudgetDesk, number>): void;
  /** Takes promises back. */
  giveBack(lines: ReadonlyMap<BudgetDesk, number>): void;
  /** A charge that is not in the ledger yet, so that its money still is promised. */
  pending(charge: PendingCharge, isOpen: boolean): void;
}

/** A charge on its way into the ledger. @internal */
export interface PendingCharge {
  /** The charge's own time. */
  readonly atMs: number;
  /** The row is durable. Called again it does nothing. */
  settle(receipt: ChargeReceipt): void;
  /** Whether the row is there is not known, and it will be handed over again: nothing is booked now. */
  drop(): void;
}

/**
 * The money that is held for one call. Attempts are charged inside it one by one; what is left goes back at its end, once.
 * @internal
 */
export class Reservation {
  /** The owner id under which its money is held. */
  readonly ownerId: string;
  readonly #keeper: ReservationKeeper;
  readonly #epoch: number;
  readonly #lines: Map<BudgetDesk, number>;
  readonly #facts: SpendingFacts;
  #isOver = false;

  constructor(keeper: ReservationKeeper, facts: SpendingFacts, lines: Map<BudgetDesk, number>) {
    this.#keeper = keeper;
    this.#epoch = keeper.epoch;
    this.ownerId = keeper.ownerId;
    this.#facts = facts;
    this.#lines = lines;
  }

  /** Whether its money is held still. Not so after this process was taken for dead. */
  get isHeld(): boolean {
    return this.#epoch === this.#keeper.epoch;
  }

  /** What is held on a desk. */
  heldOn(desk: BudgetDesk): number {
    return this.#lines.get(desk) ?? 0;
  }

  /** Adds to what is held; the desk has promised it. */
  add(desk: BudgetDesk, amount: number): void {
    this.#lines.set(desk, this.heldOn(desk) + amount);
  }

  /** Makes sure that an attempt which may cost `amount` fits; usually it does already. */
  async cover(target: string, amount: NanoUsd): Promise<void> {
    await this.#keeper.extend(this, { ...this.#facts, target }, amount);
  }

  /** Sets aside what is held for an attempt until its row is durable. */
  pend(target: string, heldNanoUsd: NanoUsd, atMs: number): PendingCharge {
    const facts: SpendingFacts = { ...this.#facts, target };
    const aside = new Map<BudgetDesk, number>();
    for (const [desk, held] of this.#lines) {
      const part = Math.min(held, heldNanoUsd);
      this.#lines.set(desk, held - part);
      aside.set(desk, part);
    }
    let isOpen = true;
    const charge: PendingCharge = {
      atMs,
      settle: (receipt) => {
        if (!isOpen) return;
        isOpen = false;
        this.#keeper.book(facts, receipt, this.isHeld ? aside : new Map());
        this.#keeper.pending(charge, false);
      },
      drop: () => {
        if (!isOpen) return;
        isOpen = false;
        if (this.isHeld) this.#keeper.giveBack(aside);
        this.#keeper.pending(charge, false);
      },
    };
    this.#keeper.pending(charge, true);
    return charge;
  }

  /** Gives back what is left. Called again it does nothing. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.isHeld) this.#keeper.giveBack(this.#lines);
    this.#lines.clear();
  }
}
