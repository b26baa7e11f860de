import { FarthingError } from '../../core/errors.ts';
import type { CallRecord, Charge, ChargeCertainty, Intent } from '../../core/model/charge.ts';
import { callFacts, chargeFacts, ReportBuilder, type ReportDimension, type ReportRow } from '../../core/report.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type {
  ChargeReceipt,
  Ledger,
  LedgerOwner,
  LedgerQuery,
  LedgerReader,
  SpendingQuery,
  SpendingReader,
  SpendingRow,
} from '../../ports/ledger.ts';
import { MemoryLedgerRows } from './memory-ledger-rows.ts';

/** Settings of {@link MemoryLedger}. @public */
export interface MemoryLedgerOptions {
  /**
   * How many charges, and how many call records, are kept; past it the oldest are dropped. A dropped charge is no longer
   * known, so it is in no report and its id is no longer guarded against doubling.
   * @defaultValue 100_000 (about 100 MB when full)
   */
  readonly maxRows?: number;
}

const DEFAULT_MAX_ROWS = 100_000;

interface Row {
  readonly atMs: number;
  readonly callId: string;
  readonly project: string;
  readonly keyId: string;
}

function matches(query: LedgerQuery, row: Row): boolean {
  return (
    row.atMs >= (query.fromMs ?? Number.NEGATIVE_INFINITY) &&
    row.atMs < (query.untilMs ?? Number.POSITIVE_INFINITY) &&
    (query.project === undefined || row.project === query.project) &&
    (query.keyId === undefined || row.keyId === query.keyId) &&
    (query.callId === undefined || row.callId === query.callId)
  );
}

function chosen<R extends Row>(rows: Iterable<R>, query: LedgerQuery): readonly R[] {
  const found = [...rows].filter((row) => matches(query, row)).toSorted((left, right) => left.atMs - right.atMs);
  return (query.order === 'newest' ? found.toReversed() : found).slice(0, query.limit);
}

/** How one of several owners takes part in rows that they share. @internal */
export interface MemoryLedgerShare {
  readonly rows: MemoryLedgerRows;
  /** Judges the lease. */
  readonly clock: Pick<Clock, 'nowMs'>;
  /** For the ids that the owner takes. */
  readonly random: Pick<Random, 'hex'>;
  readonly leaseMs: number;
}

/** The only owner there is: its lease never ends. */
function aloneWith(maxRows: number): MemoryLedgerShare {
  return {
    rows: new MemoryLedgerRows(maxRows),
    clock: { nowMs: () => 0 },
    // Unique also among processes: budgets may be counted in a store that several share.
    random: { hex: (length) => crypto.randomUUID().replaceAll('-', '').slice(0, length) },
    leaseMs: Number.POSITIVE_INFINITY,
  };
}

/**
 * The ledger in this process's memory, for programs that embed the library and want the bill of this run only.
 * Nothing survives the process: "durable" is worth no more than the memory it stands in.
 * @public
 */
export class MemoryLedger implements Ledger, LedgerReader, LedgerOwner, SpendingReader {
  readonly #rows: MemoryLedgerRows;
  readonly #share: MemoryLedgerShare;
  #ownerId: string;
  #leaseUntilMs: number;
  #admit: (ownerId: string) => Promise<void> = () => Promise.resolve();
  /** The next id, let in but not admitted yet. */
  #nextId: string | undefined;
  #replacing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options?: MemoryLedgerOptions);
  /** @internal One of several owners, as if each were a process: renews its lease in `recover` and with intents, has no timer. */
  constructor(options: MemoryLedgerOptions, share: MemoryLedgerShare);
  constructor(
    options: MemoryLedgerOptions = {},
    share: MemoryLedgerShare = aloneWith(options.maxRows ?? DEFAULT_MAX_ROWS),
  ) {
    this.#rows = share.rows;
    this.#share = share;
    this.#ownerId = this.#newId();
    this.#leaseUntilMs = share.clock.nowMs() + share.leaseMs;
    this.#rows.register(this.#ownerId, this.#leaseUntilMs);
    this.#rows.endLapsed(share.clock.nowMs());
  }

  get ownerId(): string {
    return this.#ownerId;
  }

  get leaseUntilMs(): number {
    return this.#leaseUntilMs;
  }

  /** Keeps the intent under this ledger's own owner and lease, whatever owner it names. */
  async intend(intent: Intent, asOwner?: string): Promise<void> {
    this.#checkOpen();
    const nowMs = this.#share.clock.nowMs();
    // A renewal that finds the owner ended leaves the rest to the intent, which finds it too.
    if (nowMs > this.#leaseUntilMs - this.#share.leaseMs / 3) this.#renew(nowMs);
    for (;;) {
      const ownerId = this.#ownerId;
      if (asOwner !== undefined && asOwner !== ownerId) throw ownerEnded();
      if (this.#rows.addIntent({ ...intent, ownerId })) return;
      await this.#replace(ownerId); // oxlint-disable-line no-await-in-loop -- then once more
    }
  }

  async charge(charges: readonly Charge[]): Promise<readonly ChargeReceipt[]> {
    this.#checkOpen();
    const receipts: ChargeReceipt[] = [];
    while (receipts.length < charges.length) {
      const ownerId = this.#ownerId;
      const receipt = this.#rows.addCharge(charges[receipts.length] as Charge, ownerId);
      if (receipt === undefined) await this.#replace(ownerId); // oxlint-disable-line no-await-in-loop -- then once more
      else receipts.push(receipt);
    }
    return receipts;
  }

  record(record: CallRecord): void {
    if (!this.#isClosed) this.#rows.addCall(record);
  }

  async flush(): Promise<void> {
    this.#checkOpen();
  }

  /** Ends the owner: intents still open become charges at their upper bound. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end(this.#ownerId);
    if (this.#nextId !== undefined) this.#end(this.#nextId);
  }

  async recover(nowMs: number): Promise<number> {
    this.#checkOpen();
    const ownerId = this.#ownerId;
    const isLiving = this.#renew(nowMs);
    const turned = this.#rows.endLapsed(nowMs);
    if (!isLiving) await this.#replace(ownerId);
    return turned;
  }

  beforeNewOwner(admit: (ownerId: string) => Promise<void>): void {
    this.#admit = admit;
  }

  async livingOwners(): Promise<readonly string[]> {
    return this.#rows.livingOwners();
  }

  async *spending(query: SpendingQuery): AsyncIterable<SpendingRow> {
    yield* this.#rows.spending(query);
  }

  async *charges(query: LedgerQuery): AsyncIterable<Charge> {
    yield* chosen(this.#rows.charges(), query);
  }

  async *calls(query: LedgerQuery): AsyncIterable<CallRecord> {
    yield* chosen(this.#rows.calls(), query);
  }

  async report(by: ReportDimension, query: LedgerQuery): Promise<readonly ReportRow[]> {
    const builder = new ReportBuilder(by);
    const corrections = new Map<string, ChargeCertainty>();
    for (const charge of this.#rows.charges()) {
      if (charge.corrects !== undefined) corrections.set(charge.corrects, charge.certainty);
    }
    for (const charge of chosen(this.#rows.charges(), query)) {
      builder.addCharge(chargeFacts(charge, corrections.get(charge.chargeId)));
    }
    for (const record of chosen(this.#rows.calls(), query)) builder.addCall(callFacts(record));
    return builder.rows();
  }

  async openIntents(): Promise<readonly Intent[]> {
    return this.#rows.intents();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new FarthingError('store-unavailable', 'the ledger is closed');
  }

  /** False when the owner was ended. */
  #renew(nowMs: number): boolean {
    const leaseUntilMs = nowMs + this.#share.leaseMs;
    const isLiving = this.#rows.renew(this.#ownerId, leaseUntilMs);
    if (isLiving) this.#leaseUntilMs = leaseUntilMs;
    return isLiving;
  }

  /** Takes another id in place of one that was ended, once, whoever notices. */
  #replace(endedId: string): Promise<void> {
    if (endedId !== this.#ownerId) return Promise.resolve();
    return (this.#replacing ??= this.#takeNextId().finally(() => {
      this.#replacing = undefined;
    }));
  }

  async #takeNextId(): Promise<void> {
    this.#checkOpen();
    const leaseUntilMs = this.#share.clock.nowMs() + this.#share.leaseMs;
    if (this.#nextId === undefined || !this.#rows.renew(this.#nextId, leaseUntilMs)) {
      this.#nextId = this.#newId();
      this.#rows.register(this.#nextId, leaseUntilMs);
    }
    await this.#admit(this.#nextId);
    this.#checkOpen();
    this.#ownerId = this.#nextId;
    this.#leaseUntilMs = leaseUntilMs;
    this.#nextId = undefined;
  }

  #end(ownerId: string): void {
    this.#rows.end(ownerId, this.#share.clock.nowMs());
  }

  #newId(): string {
    return `owner_${this.#share.random.hex(16)}`;
  }
}

function ownerEnded(): FarthingError {
  return new FarthingError('store-unavailable', 'the owner of this intent has been ended', { retryable: true });
}
