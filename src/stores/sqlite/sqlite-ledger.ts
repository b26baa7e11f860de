import { FarthingError } from '../../core/errors.ts';
import type { CallRecord, Charge, Intent } from '../../core/model/charge.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type {
  ChargeReceipt,
  Ledger,
  LedgerOwner,
  LedgerQuery,
  LedgerReader,
  ReportDimension,
  ReportRow,
  SpendingQuery,
  SpendingReader,
  SpendingRow,
} from '../../ports/ledger.ts';
import { isGone } from '../sql/process-identity.ts';
import { LedgerLease, type LeaseRenewal } from './ledger-lease.ts';
import { callText } from './ledger-call-text.ts';
import { LedgerCommits } from './ledger-commits.ts';
import { chargeOperation, intentText } from './ledger-rows.ts';
import { LEDGER_MIGRATIONS, LEDGER_STATEMENTS, type LedgerOperation, type LedgerStatement } from './ledger-schema.ts';
import { openLedgerReader, type SqliteLedgerReader } from './sqlite-ledger-reader.ts';
import type { SqliteDriver } from './sqlite-database.ts';
import type { SqliteThread } from './sqlite-thread.ts';
import { SqliteWriter } from './sqlite-writer.ts';

/** Settings of {@link openSqliteLedger}. @public */
export interface SqliteLedgerOptions {
  /** The ledger's file, one of its own; made when it is not there. Its folder must exist. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * For how long a silent owner is taken for alive, in milliseconds. It renews its lease three times as often. Longer
   * leaves the money of a dead process open for longer; shorter takes a process that only stood still for a dead one,
   * whose estimates are then corrected.
   * @defaultValue 15_000
   */
  readonly leaseMs?: number;
  /** Told of what failed with nobody waiting: call records, lease renewals. @defaultValue nobody */
  readonly onFault?: (operation: 'record' | 'lease', error: unknown) => void;
  /** @defaultValue better-sqlite3 where it is installed, else Node's own */
  readonly driver?: SqliteDriver;
  /** The thread that writes, which several files may share. @defaultValue one of its own @internal */
  readonly thread?: SqliteThread | undefined;
}

const DEFAULT_LEASE_MS = 15_000;

/**
 * The ledger in a SQLite file (WAL, `synchronous = FULL`). Commits run in a thread of their own and are shared by what
 * waits at that moment. Any number of processes may open one file.
 *
 * What is written belongs to its owner, the opened ledger. The owner's lease is renewed by a timer; owners that are dead or silent are ended,
 * once, by whoever notices first: their intents become charges at their upper bound, and nothing is written under their id any more. Should such an
 * owner turn out to be alive, it goes on under another id, and its true charge is kept as a correction of the estimate.
 * @public
 */
export class SqliteLedger implements Ledger, LedgerReader, LedgerOwner, SpendingReader {
  readonly #writer: SqliteWriter<LedgerStatement>;
  readonly #commits: LedgerCommits;
  readonly #lease: LedgerLease;
  readonly #reader: SqliteLedgerReader;
  readonly #clock: Clock;
  readonly #onFault: SqliteLedgerOptions['onFault'];
  readonly #timer: NodeJS.Timeout;
  #recordFault: unknown;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openSqliteLedger}. */
  constructor(options: SqliteLedgerOptions, writer: SqliteWriter<LedgerStatement>, reader: SqliteLedgerReader) {
    const { clock, random, leaseMs = DEFAULT_LEASE_MS } = options;
    this.#writer = writer;
    this.#lease = new LedgerLease(writer, { clock, random, leaseMs });
    this.#commits = new LedgerCommits(writer, {
      lease: this.#lease,
      clock,
      onRecordFault: (error) => {
        this.#recordFault = error;
        this.#onFault?.('record', error);
      },
    });
    this.#reader = reader;
    this.#clock = clock;
    this.#onFault = options.onFault;
    this.#timer = setInterval(() => {
      this.recover(clock.nowMs()).catch((error: unknown) => this.#onFault?.('lease', error));
    }, leaseMs / 3);
    this.#timer.unref();
  }

  get ownerId(): string {
    return this.#lease.ownerId;
  }

  get leaseUntilMs(): number {
    return this.#lease.untilMs;
  }

  /** Keeps the intent under this ledger's own owner and lease, whatever owner it names. */
  intend(intent: Intent, asOwner?: string): Promise<void> {
    return this.#commits.intend(intent.chargeId, intentText(intent), asOwner);
  }

  async charge(charges: readonly Charge[]): Promise<readonly ChargeReceipt[]> {
    if (charges.length === 0) return [];
    const { ownerId } = this.#lease;
    const changes = await this.#commits.write(
      charges.map((charge) => chargeOperation('insertCharge', charge, ownerId)),
    );
    const unwritten = charges.filter((_charge, index) => changes[index] === 0);
    const standing = unwritten.length === 0 ? undefined : await this.#receiptsOf(unwritten);
    return charges.map((charge) => {
      const { chargeId, amountNanoUsd, atMs } = charge;
      this.#commits.settle(chargeId);
      // An id that is twice in one batch was written by one of them, and both have the receipt of that row.
      return standing?.get(chargeId) ?? { chargeId, ownerId, amountNanoUsd, atMs, bookedAtMs: atMs };
    });
  }

  record(record: CallRecord): void {
    this.#commits.record(callText(record), record.atMs);
  }

  /** @throws FarthingError `store-unavailable` when a call record handed over since the last flush could not be kept. */
  async flush(): Promise<void> {
    await this.#commits.flush();
    const fault = this.#recordFault;
    this.#recordFault = undefined;
    if (fault !== undefined) {
      throw new FarthingError('store-unavailable', 'a call record could not be kept', { cause: fault });
    }
  }

  /**
   * Renews the own lease, ends dead owners and turns their intents into charges at their upper bound, marked as estimates.
   * Done with every renewal.
   * @returns how many intents were turned.
   */
  async recover(nowMs: number): Promise<number> {
    const renewal = this.#lease.renewal(nowMs);
    const { isLiving, turned } = await this.#recoverWith(renewal, nowMs);
    if (!isLiving) await this.#lease.replace(renewal.ownerId);
    return turned;
  }

  /** @internal Done once by {@link openSqliteLedger}: lets the owner in, and recovers what others have left. */
  async register(nowMs: number): Promise<void> {
    await this.#recoverWith(this.#lease.registration(nowMs), nowMs);
  }

  livingOwners(): Promise<readonly string[]> {
    return this.#reader.livingOwners();
  }

  beforeNewOwner(admit: (ownerId: string) => Promise<void>): void {
    this.#lease.beforeNewOwner(admit);
  }

  /** Commits what waits, ends the owner and closes the file. Intents still open become charges at their upper bound. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  charges(query: LedgerQuery): AsyncIterable<Charge> {
    return this.#reader.charges(query);
  }

  calls(query: LedgerQuery): AsyncIterable<CallRecord> {
    return this.#reader.calls(query);
  }

  report(by: ReportDimension, query: LedgerQuery): Promise<readonly ReportRow[]> {
    return this.#reader.report(by, query);
  }

  openIntents(): Promise<readonly Intent[]> {
    return this.#reader.openIntents();
  }

  spending(query: SpendingQuery): AsyncIterable<SpendingRow> {
    return this.#reader.spending(query);
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.flush();
    } finally {
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    try {
      await this.#writer.write([['endOwner', this.ownerId], ['chargeOrphans', this.#clock.nowMs()], ['deleteOrphans']]);
    } finally {
      await this.#writer.close();
      await this.#reader.close();
    }
  }

  /**
   * Charges that changed no row: their ids are taken (a charge handed over again, or an estimate made while this process was taken for dead), or the owner
   * was ended.
   */
  async #receiptsOf(charges: readonly Charge[]): Promise<ReadonlyMap<string, ChargeReceipt>> {
    const receipts = new Map<string, ChargeReceipt>();
    await this.#lease.fenced(async (ownerId) => {
      await this.#commits.write(
        charges.flatMap((charge) => [
          chargeOperation('insertCharge', charge, ownerId),
          chargeOperation('correctEstimate', charge, ownerId),
        ]),
      );
      for (const charge of charges) {
        const receipt = this.#reader.receipt(charge);
        if (receipt !== undefined) receipts.set(charge.chargeId, receipt);
      }
      return charges.every(({ chargeId }) => receipts.has(chargeId));
    });
    return receipts;
  }

  /** The end of an owner and the charges of its intents are one transaction: the sum of its rows is final. */
  async #recoverWith(renewal: LeaseRenewal, nowMs: number): Promise<{ isLiving: boolean; turned: number }> {
    const changes = await this.#writer.write([
      renewal.operation,
      ...this.#goneOwners().map((ownerId): LedgerOperation => ['endOwner', ownerId]),
      ['endLapsedOwners', nowMs],
      ['chargeOrphans', nowMs],
      ['deleteOrphans'],
    ]);
    this.#lease.note(renewal, changes[0]);
    return { isLiving: changes[0] === 1, turned: changes.at(-2) ?? 0 }; // charges made, not rows of intents that went
  }

  /** Owners whose process is known to be gone, so that a restart need not wait for their lease to end. */
  #goneOwners(): readonly string[] {
    const owners = this.#reader.read('SELECT * FROM owners WHERE owner_id <> ?', this.ownerId);
    const isDead = (owner: (typeof owners)[number]): boolean =>
      isGone(
        {
          pid: Number(owner['pid']),
          host: owner['host'] === null ? undefined : String(owner['host']),
          processStart: owner['process_start'] === null ? undefined : String(owner['process_start']),
        },
        this.#lease.self,
      );
    return owners.filter(isDead).map((owner) => String(owner['owner_id']));
  }
}

/**
 * Opens a ledger, takes a lease on it and recovers what dead owners left behind.
 * @throws FarthingError `store-unavailable` when the file cannot be opened or written.
 * @public
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<SqliteLedger> {
  const { path, driver, thread } = options;
  const writer = new SqliteWriter<LedgerStatement>({
    path,
    statements: LEDGER_STATEMENTS,
    pragmas: { synchronous: 'FULL' },
    migrations: LEDGER_MIGRATIONS,
    thread,
    ...(driver === undefined ? {} : { driver }),
  });
  let ledger: SqliteLedger | undefined;
  try {
    await writer.ready();
    ledger = new SqliteLedger(
      options,
      writer,
      await openLedgerReader(path, { driver, ...(thread && { pragmas: thread.pragmas }) }),
    );
    await ledger.register(options.clock.nowMs());
    return ledger;
  } catch (error) {
    await (ledger ?? writer).close().catch(() => undefined); // the first error is the one that counts
    throw error;
  }
}
