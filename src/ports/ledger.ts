import type { SpendingFacts } from '../core/budget/budget.ts';
import type { NanoUsd } from '../core/money.ts';
import type { CallRecord, Charge, Intent } from '../core/model/charge.ts';
import type { ReportDimension, ReportRow } from '../core/report.ts';

export type { ReportDimension, ReportRow } from '../core/report.ts';

/** The row that stands for a charge: its own, or the correction of an estimate that was made in its place. @public */
export interface ChargeReceipt {
  /** Id of the charge that was handed over, also where a correction stands for it. */
  readonly chargeId: string;
  /** The owner that the row counts for; undefined in ledgers from before there were owners. */
  readonly ownerId: string | undefined;
  /** What the row adds to every sum: the amount, or for a correction the difference. Undefined when unpriced. */
  readonly amountNanoUsd: NanoUsd | undefined;
  /** The row's own time: the window that it counts in. For a correction that of the estimate. */
  readonly atMs: number;
  /**
   * When the charge that made the row was dated: the row's own time, or for a correction the time that the late charge was handed over with. By this
   * whoever counts tells the rows from before an owner's cut from those that the owner counts itself.
   */
  readonly bookedAtMs: number;
}

/**
 * The append-only record of charges. `intend` and `charge` resolve when the row is durable (it survives `kill -9`);
 * rows of one moment share a commit. Every method is idempotent by id.
 * @public
 */
export interface Ledger {
  /**
   * Durable before the first byte leaves for the provider. Kept under {@link LedgerOwner.ownerId}, whatever owner it names. A ledger whose owner
   * has been ended takes another id and keeps it under that one.
   * @param asOwner - when given, the intent is kept under this owner id or not at all: the money held for it is this owner's.
   * @throws FarthingError `store-unavailable`, also when this ledger is not that owner (any more).
   */
  intend(intent: Intent, asOwner?: string): Promise<void>;
  /** Durable before the last byte reaches the client. Removes the intent of the same id. One receipt for each charge, in their order. */
  charge(charges: readonly Charge[]): Promise<readonly ChargeReceipt[]>;
  /** Keeps the record of a call. Not waited for: written with the next commit. */
  record(record: CallRecord): void;
  /** Resolves when everything handed over so far is durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Which rows to read. Times in Unix milliseconds, `from` inclusive, `until` exclusive. @public */
export interface LedgerQuery {
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly project?: string;
  readonly keyId?: string;
  readonly callId?: string;
  /** At most so many, newest first when `order` is `newest`. */
  readonly limit?: number;
  /** @defaultValue 'oldest' */
  readonly order?: 'oldest' | 'newest';
}

/** Reading a ledger. @public */
export interface LedgerReader {
  charges(query: LedgerQuery): AsyncIterable<Charge>;
  calls(query: LedgerQuery): AsyncIterable<CallRecord>;
  /** Costs come from charges (the truth), counts and savings from call records. */
  report(by: ReportDimension, query: LedgerQuery): Promise<readonly ReportRow[]>;
  /** Intents without a charge, oldest first. */
  openIntents(): Promise<readonly Intent[]>;
}

/** A row of the ledger as budgets count it. @public */
export interface SpendingRow extends SpendingFacts {
  readonly ownerId: string | undefined;
  /** The window that it counts in. */
  readonly atMs: number;
  /** As in {@link ChargeReceipt}: held against its owner's cut. */
  readonly bookedAtMs: number;
  /** Negative for corrections that lower an estimate. Rows without a price are left out. */
  readonly amountNanoUsd: NanoUsd;
}

/**
 * Who writes a ledger. Each opened ledger is an owner with a lease that it renews by itself. An owner that lets its lease lapse, or whose process is
 * known to be gone, is ended by whoever notices: from then on no row is written under its id, its open intents are charges at their upper
 * bound, and the sum of its rows never changes again. Should it come back, it goes on under another id.
 * @public
 */
export interface LedgerOwner {
  /** The id that rows are written under now. */
  readonly ownerId: string;
  /** Until when this owner's lease runs, Unix milliseconds; it is renewed long before. Infinity where there are no other owners. */
  readonly leaseUntilMs: number;
  /** Renews the own lease, ends dead owners and charges what they left open. Says how many intents became charges. */
  recover(nowMs: number): Promise<number>;
  /** Ids of the owners that have not been ended, this one included. */
  livingOwners(): Promise<readonly string[]>;
  /**
   * What is to be done before a row is written under another id than the first: whoever counts the rows of owners must know of it. When it fails,
   * so does the write, and the next one tries again.
   */
  beforeNewOwner(admit: (ownerId: string) => Promise<void>): void;
}

/** Which rows {@link SpendingReader} gives. @public */
export interface SpendingQuery {
  /** Inclusive, by the row's own time. @defaultValue all */
  readonly fromMs?: number;
  /** @defaultValue the rows of all owners */
  readonly ownerId?: string;
}

/** Reads a ledger for the counters of budgets. @public */
export interface SpendingReader {
  spending(query: SpendingQuery): AsyncIterable<SpendingRow>;
}
