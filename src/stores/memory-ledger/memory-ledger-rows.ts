import { NO_USAGE } from '../../core/model/usage.ts';
import { nanoUsd } from '../../core/money.ts';
import {
  type CallRecord,
  type Charge,
  DEFERRED,
  type Intent,
  OWNER_DIED,
  PROVISIONAL_OUTCOMES,
} from '../../core/model/charge.ts';
import type { ChargeReceipt, SpendingQuery, SpendingRow } from '../../ports/ledger.ts';

/** A charge, the owner that it counts for, and the time that it was handed over with. */
interface KeptCharge {
  readonly charge: Charge;
  readonly ownerId: string;
  readonly bookedAtMs: number;
}

/** Adds a row under its id, unless the id is taken, and drops the oldest past the bound. */
function keep<R>(rows: Map<string, R>, id: string, row: R, maxRows: number): void {
  if (rows.has(id)) return;
  rows.set(id, row);
  if (rows.size <= maxRows) return;
  const oldest = rows.keys().next();
  if (oldest.done !== true) rows.delete(oldest.value);
}

/**
 * The rows that the owners of a memory ledger share. Every method is one transaction: nothing else runs while it does.
 * @internal
 */
export class MemoryLedgerRows {
  readonly #maxRows: number;
  /** Owners that have not been ended, with the end of their leases. */
  readonly #owners = new Map<string, number>();
  readonly #intents = new Map<string, Intent>();
  readonly #charges = new Map<string, KeptCharge>();
  readonly #calls = new Map<string, CallRecord>();

  constructor(maxRows: number) {
    if (!(maxRows > 0)) throw new RangeError(`maxRows must be positive: ${maxRows}`);
    this.#maxRows = maxRows;
  }

  /** Lets an owner in, under an id that was never there before. */
  register(ownerId: string, leaseUntilMs: number): void {
    this.#owners.set(ownerId, leaseUntilMs);
  }

  /** False when the owner was ended. */
  renew(ownerId: string, leaseUntilMs: number): boolean {
    if (!this.#owners.has(ownerId)) return false;
    this.#owners.set(ownerId, leaseUntilMs);
    return true;
  }

  /** Ends an owner: what it left open is charged at its upper bound, as of now. Says how many intents became charges. */
  end(ownerId: string, nowMs: number): number {
    if (!this.#owners.delete(ownerId)) return 0;
    const orphans = [...this.#intents.values()].filter((intent) => intent.ownerId === ownerId);
    for (const orphan of orphans) {
      const charge = estimateOf(orphan, nowMs);
      keep(this.#charges, orphan.chargeId, { charge, ownerId, bookedAtMs: charge.atMs }, this.#maxRows);
      this.#intents.delete(orphan.chargeId);
    }
    return orphans.length;
  }

  /** Ends the owners whose lease ran out. Says how many intents became charges. */
  endLapsed(nowMs: number): number {
    let count = 0;
    for (const [ownerId, leaseUntilMs] of this.#owners) if (leaseUntilMs <= nowMs) count += this.end(ownerId, nowMs);
    return count;
  }

  livingOwners(): readonly string[] {
    return [...this.#owners.keys()];
  }

  /** Keeps an intent. False when its owner was ended. */
  addIntent(intent: Intent): boolean {
    if (!this.#owners.has(intent.ownerId)) return false;
    const { chargeId } = intent;
    if (!this.#charges.has(chargeId) && !this.#intents.has(chargeId)) this.#intents.set(chargeId, intent);
    return true;
  }

  /** Keeps a charge, or the difference to the estimate that has its id. Undefined when something is to be written and the owner was ended. */
  addCharge(charge: Charge, ownerId: string): ChargeReceipt | undefined {
    const { chargeId } = charge;
    const standing = this.#charges.get(chargeId);
    const isCorrected = standing !== undefined && corrects(charge, standing.charge);
    const present = isCorrected ? this.#charges.get(correctionId(chargeId)) : standing;
    if (present !== undefined) return receiptOf(chargeId, present);
    if (!this.#owners.has(ownerId)) return undefined;
    const kept = isCorrected ? correctionOf(charge, standing.charge) : charge;
    const row = { charge: kept, ownerId, bookedAtMs: charge.atMs };
    keep(this.#charges, row.charge.chargeId, row, this.#maxRows);
    this.#intents.delete(chargeId);
    return receiptOf(chargeId, row);
  }

  addCall(record: CallRecord): void {
    keep(this.#calls, record.callId, record, this.#maxRows);
  }

  /** In the order written. */
  charges(): readonly Charge[] {
    return Array.from(this.#charges.values(), (row) => row.charge);
  }

  /** In the order written. */
  calls(): readonly CallRecord[] {
    return [...this.#calls.values()];
  }

  /** Oldest first. */
  intents(): readonly Intent[] {
    return [...this.#intents.values()].toSorted((left, right) => left.atMs - right.atMs);
  }

  /** Oldest first. */
  spending({ fromMs = Number.NEGATIVE_INFINITY, ownerId: wanted }: SpendingQuery): readonly SpendingRow[] {
    const rows: SpendingRow[] = [];
    for (const { charge, ownerId, bookedAtMs } of this.#charges.values()) {
      const { atMs, amountNanoUsd, project, keyId, tags, target } = charge;
      if (amountNanoUsd === undefined || atMs < fromMs || (wanted !== undefined && ownerId !== wanted)) continue;
      rows.push({ ownerId, atMs, bookedAtMs, amountNanoUsd, project, keyId, tags, target });
    }
    return rows.toSorted((left, right) => left.atMs - right.atMs);
  }
}

/** Whether a charge is the truth behind one that stands in for it. */
function corrects(charge: Charge, standing: Charge): boolean {
  return PROVISIONAL_OUTCOMES.includes(standing.outcome) && charge.outcome !== DEFERRED;
}

function correctionId(chargeId: string): string {
  return `${chargeId}.c1`;
}

function receiptOf(chargeId: string, { charge, ownerId, bookedAtMs }: KeptCharge): ChargeReceipt {
  return { chargeId, ownerId, amountNanoUsd: charge.amountNanoUsd, atMs: charge.atMs, bookedAtMs };
}

/** What an intent becomes when its owner ends. */
function estimateOf({ ownerId: _ownerId, upperBoundNanoUsd, ...attempt }: Intent, nowMs: number): Charge {
  return {
    ...attempt,
    atMs: Math.max(attempt.atMs, nowMs),
    servedModel: undefined,
    usage: NO_USAGE,
    certainty: upperBoundNanoUsd === undefined ? 'unpriced' : 'estimate',
    amountNanoUsd: upperBoundNanoUsd,
    priceEntry: undefined,
    corrects: undefined,
    status: undefined,
    outcome: OWNER_DIED,
  };
}

/** The true figure of a charge that stands as an estimate: both rows together are the truth. */
function correctionOf(truth: Charge, estimate: Charge): Charge {
  const { amountNanoUsd } = truth;
  return {
    ...truth,
    // In the window that the estimate stands in: money given back there is not there to be spent today.
    atMs: estimate.atMs,
    chargeId: correctionId(truth.chargeId),
    corrects: truth.chargeId,
    amountNanoUsd: amountNanoUsd === undefined ? undefined : nanoUsd(amountNanoUsd - (estimate.amountNanoUsd ?? 0)),
  };
}
