import { FarthingError } from '../../core/errors.ts';
import type { CallRecord, Charge, Intent } from '../../core/model/charge.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { Ledger, LedgerQuery, LedgerReader, ReportDimension, ReportRow } from '../../ports/ledger.ts';
import { isGone, type ProcessIdentity, thisProcess } from './ledger-owner.ts';
import { callParameters, chargeParameters, intentParameters } from './ledger-rows.ts';
import { LEDGER_MIGRATIONS, LEDGER_STATEMENTS, type LedgerStatement } from './ledger-schema.ts';
import { openLedgerReader, type SqliteLedgerReader } from './sqlite-ledger-reader.ts';
import type { SqliteDriver } from './sqlite-database.ts';
import { SqliteWriter, type WriteOperation } from './sqlite-writer.ts';
import { WriteGroups } from './write-groups.ts';

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
}

const DEFAULT_LEASE_MS = 15_000;

/**
 * The least time between two groups of writes, in milliseconds. A call that takes a second does not notice; with the commit itself it
 * stays below the 10 ms that a charge may take to be durable.
 */
const SPACING_MS = 2;

/** For how long a call's record waits for a commit to go with, in milliseconds: money never waits for it, and hits make no other writes. */
const RECORD_PATIENCE_MS = 50;

type LedgerOperation = WriteOperation<LedgerStatement>;

/**
 * The ledger in a SQLite file (WAL, `synchronous = FULL`). Commits run in a thread of their own and are shared by what
 * waits at that moment. Any number of processes may open one file.
 *
 * An intent belongs to its owner, the opened ledger. The owner's lease is renewed by a timer; the intents of owners that are
 * dead or silent become charges at their upper bound, once, by whoever notices first. Should such an owner turn out to be
 * alive, its true charge is kept as a correction of the estimate.
 * @public
 */
export class SqliteLedger implements Ledger, LedgerReader {
  /** Owner of this ledger's intents. */
  readonly ownerId: string;
  readonly #writer: SqliteWriter<LedgerStatement>;
  readonly #groups: WriteGroups<LedgerStatement>;
  readonly #reader: SqliteLedgerReader;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #onFault: SqliteLedgerOptions['onFault'];
  readonly #self: ProcessIdentity = thisProcess();
  readonly #timer: NodeJS.Timeout;
  #leaseUntilMs = 0;
  #recordFault: unknown;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openSqliteLedger}. */
  constructor(options: SqliteLedgerOptions, writer: SqliteWriter<LedgerStatement>, reader: SqliteLedgerReader) {
    this.ownerId = `owner_${options.random.hex(16)}`;
    this.#writer = writer;
    this.#groups = new WriteGroups(writer, options.clock, SPACING_MS);
    this.#reader = reader;
    this.#clock = options.clock;
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.#onFault = options.onFault;
    this.#timer = setInterval(() => {
      this.recover(this.#clock.nowMs()).catch((error: unknown) => this.#onFault?.('lease', error));
    }, this.#leaseMs / 3);
    this.#timer.unref();
  }

  /** Keeps the intent under this ledger's own owner and lease, whatever owner it names. */
  async intend(intent: Intent): Promise<void> {
    const insert: LedgerOperation = ['insertIntent', ...intentParameters({ ...intent, ownerId: this.ownerId })];
    const nowMs = this.#clock.nowMs();
    // A process that stood still (SIGSTOP, a laptop's lid) takes its lease again with the intent, in one transaction.
    const isLeaseShort = nowMs > this.#leaseUntilMs - this.#leaseMs / 3;
    await this.#groups.write(isLeaseShort ? [this.#renewal(nowMs), insert] : [insert]);
  }

  async charge(charges: readonly Charge[]): Promise<void> {
    const operations: LedgerOperation[] = [];
    for (const charge of charges) {
      operations.push(['insertCharge', ...chargeParameters(charge)], ['deleteIntent', charge.chargeId]);
    }
    const changes = await this.#groups.write(operations);
    const taken = charges.filter((_charge, index) => changes[2 * index] === 0);
    if (taken.length === 0) return;
    // The id is taken: a charge handed over again, or an estimate made while this process was taken for dead.
    const corrections: LedgerOperation[] = [];
    for (const charge of taken) corrections.push(['correctEstimate', ...chargeParameters(charge)]);
    await this.#groups.write(corrections);
  }

  record(record: CallRecord): void {
    this.#groups.write([['insertCall', ...callParameters(record)]], RECORD_PATIENCE_MS).catch((error: unknown) => {
      this.#recordFault = error;
      this.#onFault?.('record', error);
    });
  }

  /** @throws FarthingError `store-unavailable` when a call record handed over since the last flush could not be kept. */
  async flush(): Promise<void> {
    await this.#groups.flush();
    const fault = this.#recordFault;
    this.#recordFault = undefined;
    if (fault !== undefined) {
      throw new FarthingError('store-unavailable', 'a call record could not be kept', { cause: fault });
    }
  }

  /**
   * Renews the own lease and turns the intents of dead owners into charges at their upper bound, marked as estimates.
   * Done when the ledger is opened and with every renewal.
   * @returns how many intents were turned.
   */
  async recover(nowMs: number): Promise<number> {
    const dead = this.#goneOwners().map((ownerId): LedgerOperation => ['endLease', ownerId]);
    const changes = await this.#writer.write([
      this.#renewal(nowMs),
      ...dead,
      ['endLapsedLeases', nowMs],
      ['chargeOrphans', nowMs],
      ['deleteOrphans', nowMs],
    ]);
    return changes.at(-1) ?? 0;
  }

  /** Commits what waits, gives up the lease and closes the file. Intents still open become estimates at the next recovery. */
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

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.flush();
      await this.#writer.write([['endLease', this.ownerId]]);
    } finally {
      await this.#writer.close();
      await this.#reader.close();
    }
  }

  #renewal(nowMs: number): LedgerOperation {
    this.#leaseUntilMs = nowMs + this.#leaseMs;
    const { pid, host, processStart } = this.#self;
    return ['renewLease', this.ownerId, this.#leaseUntilMs, pid, host ?? null, processStart ?? null];
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
        this.#self,
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
  const { path, driver } = options;
  const writer = new SqliteWriter<LedgerStatement>({
    path,
    statements: LEDGER_STATEMENTS,
    pragmas: { synchronous: 'FULL' },
    migrations: LEDGER_MIGRATIONS,
    ...(driver === undefined ? {} : { driver }),
  });
  let ledger: SqliteLedger | undefined;
  try {
    await writer.ready();
    ledger = new SqliteLedger(options, writer, await openLedgerReader(path, { driver }));
    await ledger.recover(options.clock.nowMs());
    return ledger;
  } catch (error) {
    await (ledger ?? writer).close().catch(() => undefined); // the first error is the one that counts
    throw error;
  }
}
