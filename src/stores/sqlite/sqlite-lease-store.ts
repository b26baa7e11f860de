import type { Clock } from '../../ports/clock.ts';
import type { LeaseStore } from '../../ports/lease-store.ts';
import { openDatabase, type SqliteDatabase, type SqliteDriver, type SqliteStatement } from './sqlite-database.ts';
import { whenFree } from './when-free.ts';

/** How {@link openSqliteLeaseStore} opens a store. @internal */
export interface SqliteLeaseStoreOptions {
  readonly path: string;
  /** The same for all processes: leases end by it. */
  readonly clock: Clock;
  readonly driver?: SqliteDriver;
}

const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder_id TEXT NOT NULL,
  length_ms INTEGER NOT NULL,
  ends_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
];

/** Nothing is lost with leases that power takes away: no fsync at all. */
const PRAGMAS = { synchronous: 'OFF' } as const;

/** What could not be done, in errors. */
const WHAT = 'cannot use the lease store';

/** Lapsed leases, of processes that died, are deleted with every so many acquisitions. */
const SWEEP_INTERVAL = 1000;

/**
 * Leases in a small SQLite file of their own, for the processes of one machine.
 * @internal
 */
export class SqliteLeaseStore implements LeaseStore {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;
  readonly #acquire: SqliteStatement;
  readonly #release: SqliteStatement;
  readonly #sweep: SqliteStatement;
  #acquisitions = 0;
  #isClosed = false;

  /** Use {@link openSqliteLeaseStore}. */
  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    // A lease that would end later than its length from now was made before the clock was set back: it has lapsed, too.
    this.#acquire = database.prepare(
      `INSERT INTO leases VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
       holder_id = excluded.holder_id, length_ms = excluded.length_ms, ends_at_ms = excluded.ends_at_ms
       WHERE holder_id = excluded.holder_id OR ends_at_ms <= ? OR ends_at_ms - length_ms > ?`,
    );
    this.#release = database.prepare('DELETE FROM leases WHERE name = ? AND holder_id = ?');
    this.#sweep = database.prepare('DELETE FROM leases WHERE ends_at_ms <= ? OR ends_at_ms - length_ms > ?');
  }

  async acquire(name: string, holderId: string, lengthMs: number): Promise<boolean> {
    return whenFree(() => {
      const nowMs = this.#clock.nowMs();
      if (this.#acquisitions % SWEEP_INTERVAL === 0) this.#sweep.run(nowMs, nowMs);
      const changes = this.#acquire.run(name, holderId, lengthMs, nowMs + lengthMs, nowMs, nowMs);
      this.#acquisitions += 1;
      return changes > 0;
    }, WHAT);
  }

  async release(name: string, holderId: string): Promise<void> {
    // A lease whose flight ends after the gateway has closed its stores lapses by itself.
    if (this.#isClosed) return;
    await whenFree(() => this.#release.run(name, holderId), WHAT);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#database.close();
  }
}

/**
 * Opens a lease store; the file is made when it is not there, its folder must exist.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function openSqliteLeaseStore({
  path,
  clock,
  driver,
}: SqliteLeaseStoreOptions): Promise<SqliteLeaseStore> {
  const options = { pragmas: PRAGMAS, migrations: MIGRATIONS, ...(driver === undefined ? {} : { driver }) };
  const database = await openDatabase(path, options);
  database.exec('PRAGMA busy_timeout = 0');
  return new SqliteLeaseStore(database, clock);
}
