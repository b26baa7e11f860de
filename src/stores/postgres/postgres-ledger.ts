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
import { LedgerCommits } from './ledger-commits.ts';
import { LedgerOwnership } from './ledger-ownership.ts';
import { callRow, chargeRow, intentRow } from './ledger-rows.ts';
import type { PostgresConnectionOptions, PostgresDatabase } from './postgres-database.ts';
import { postgresFault } from './postgres-fault.ts';
import { PostgresLedgerReader } from './postgres-ledger-reader.ts';
import { openMigratedDatabase } from './postgres-migrations.ts';

/** What a ledger on Postgres needs beside its database. @public */
export interface PostgresLedgerSettings {
  readonly clock: Clock;
  readonly random: Random;
  /**
   * For how long a silent owner is taken for alive, in milliseconds, by the clocks of those who look. It renews its lease three times as often. Longer
   * leaves the money of a dead process open for longer; shorter takes a process that only stood still, or was cut off from the database, for a
   * dead one, whose estimates are then corrected.
   * @defaultValue 15_000
   */
  readonly leaseMs?: number;
  /** Told of what failed with nobody waiting: call records, lease renewals. @defaultValue nobody */
  readonly onFault?: (operation: 'record' | 'lease', error: unknown) => void;
}

/** Settings of {@link openPostgresLedger}. @public */
export interface PostgresLedgerOptions extends PostgresConnectionOptions, PostgresLedgerSettings {}

const DEFAULT_LEASE_MS = 15_000;

/**
 * The ledger in Postgres, for any number of processes on any number of machines. What waits at one moment is written by one statement.
 *
 * Rows are written under a lock on their owner, which conflicts with ending that owner: who was taken for dead, by whom ever, writes
 * nothing under its old id and goes on under another one.
 * @public
 */
export class PostgresLedger implements Ledger, LedgerReader, LedgerOwner, SpendingReader {
  readonly #database: PostgresDatabase;
  readonly #owner: LedgerOwnership;
  readonly #commits: LedgerCommits;
  readonly #reader: PostgresLedgerReader;
  readonly #timer: NodeJS.Timeout;
  #isRecovering = false;
  #recordFault: unknown;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openPostgresLedger}. */
  constructor(database: PostgresDatabase, settings: PostgresLedgerSettings) {
    const { clock, random, leaseMs = DEFAULT_LEASE_MS, onFault } = settings;
    this.#database = database;
    this.#owner = new LedgerOwnership(database, { clock, random, leaseMs });
    this.#commits = new LedgerCommits(database, this.#owner, {
      clock,
      onRecordFault: (error) => {
        this.#recordFault = error;
        onFault?.('record', error);
      },
    });
    this.#reader = new PostgresLedgerReader(database);
    this.#timer = setInterval(() => {
      if (this.#isRecovering) return; // a server that is away answers later than the next turn
      this.#isRecovering = true;
      this.recover(clock.nowMs())
        .catch((error: unknown) => onFault?.('lease', error))
        .finally(() => {
          this.#isRecovering = false;
        });
    }, leaseMs / 3);
    this.#timer.unref();
  }

  get ownerId(): string {
    return this.#owner.ownerId;
  }

  get leaseUntilMs(): number {
    return this.#owner.leaseUntilMs;
  }

  /** Becomes an owner and ends those that are dead. @internal */
  async start(nowMs: number): Promise<void> {
    await this.#owner.replace('');
    await this.#owner.endOthers(nowMs);
  }

  async intend(intent: Intent, asOwner?: string): Promise<void> {
    this.#refuseClosed();
    await this.#commits.intend(intentRow(intent), asOwner);
  }

  async charge(charges: readonly Charge[]): Promise<readonly ChargeReceipt[]> {
    this.#refuseClosed();
    return charges.length === 0 ? [] : await this.#commits.charge(charges.map(chargeRow));
  }

  record(record: CallRecord): void {
    this.#commits.record(callRow(record));
  }

  /** @throws FarthingError `store-unavailable` when a call record handed over since the last flush is not kept. */
  async flush(): Promise<void> {
    await this.#commits.flush();
    const fault = this.#recordFault;
    this.#recordFault = undefined;
    if (fault !== undefined) {
      throw new FarthingError('store-unavailable', 'a call record could not be kept', { cause: fault });
    }
  }

  async recover(nowMs: number): Promise<number> {
    try {
      await this.#owner.renew(nowMs);
      await this.#commits.forgetDoubtful();
      return await this.#owner.endOthers(nowMs);
    } catch (error) {
      throw postgresFault('cannot renew the lease', error);
    }
  }

  beforeNewOwner(admit: (ownerId: string) => Promise<void>): void {
    this.#owner.beforeNewOwner(admit);
  }

  livingOwners(): Promise<readonly string[]> {
    return this.#reader.livingOwners();
  }

  /** Commits what waits and ends the own owner: intents that are still open become estimates. */
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
      await this.#commits.forgetDoubtful();
      await this.#owner.leave();
    } catch (error) {
      throw postgresFault('cannot close the ledger', error);
    } finally {
      await this.#database.release();
    }
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new FarthingError('store-unavailable', 'the ledger is closed');
  }
}

/** Opens a ledger on a database that is open already, and takes one share of it. @internal */
export async function startPostgresLedger(
  database: PostgresDatabase,
  settings: PostgresLedgerSettings,
): Promise<PostgresLedger> {
  const ledger = new PostgresLedger(database, settings);
  try {
    await ledger.start(settings.clock.nowMs());
    return ledger;
  } catch (error) {
    await ledger.close().catch(() => undefined); // the first error is the one that counts
    throw postgresFault('cannot open the ledger', error);
  }
}

/**
 * Opens a ledger, takes a lease on it and recovers what dead owners left behind. The schema is made, or brought up to date, where it must be.
 * @throws FarthingError `store-unavailable` when the database cannot be reached or was written by a newer version, `configuration` when a
 * package is missing.
 * @public
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<PostgresLedger> {
  return startPostgresLedger(await openMigratedDatabase(options), options);
}
