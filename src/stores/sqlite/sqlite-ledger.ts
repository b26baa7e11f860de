import { FarthingError } from '../../core/errors.ts';
import type { CallRecord, Charge, Intent } from '../../core/model/charge.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { Ledger, LedgerQuery, LedgerReader, ReportDimension, ReportRow } from '../../ports/ledger.ts';
import { isGone, type ProcessIdentity, thisProcess } from './ledger-owner.ts';
import { callText } from './ledger-call-text.ts';
import { LedgerCommits } from './ledger-commits.ts';
import { chargeOperation, intentText } from './ledger-rows.ts';
import { LEDGER_MIGRATIONS, LEDGER_STATEMENTS, type LedgerOperation, type LedgerStatement } from './ledger-schema.ts';
import { openLedgerReader, type SqliteLedgerReader } from './sqlite-ledger-reader.ts';
import type { SqliteDriver } from './sqlite-database.ts';
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
}

const DEFAULT_LEASE_MS = 15_000;

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
  readonly #commits: LedgerCommits;
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
    this.#commits = new LedgerCommits(writer, {
      ownerId: this.ownerId,
      clock: options.clock,
      onRecordFault: (error) => {
        this.#recordFault = error;
        this.#onFault?.('record', error);
      },
    });
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
  intend(intent: Intent): Promise<void> {
    const nowMs = this.#clock.nowMs();
    // A process that stood still (SIGSTOP, a laptop's lid) takes its lease again with the intent, in one transaction.
    const isLeaseShort = nowMs > this.#leaseUntilMs - this.#leaseMs / 3;
    return this.#commits.intend(intent.chargeId, intentText(intent), isLeaseShort ? this.#renewal(nowMs) : undefined);
  }

  async charge(charges: readonly Charge[]): Promise<void> {
    if (charges.length === 0) return;
    const changes = await this.#commits.write(charges.map((charge) => chargeOperation('insertCharge', charge)));
    // The id is taken: a charge handed over again, or an estimate made while this process was taken for dead.
    const taken = charges.filter((_charge, index) => changes[index] === 0);
    if (taken.length > 0) {
      await this.#commits.write(taken.map((charge) => chargeOperation('correctEstimate', charge)));
    }
    for (const charge of charges) this.#commits.settle(charge.chargeId);
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
    return changes.at(-2) ?? 0; // charges made, not rows of intents that went
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
