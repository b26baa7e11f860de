import { checkStateNamespace, checkStateWrite, STATE_BOUNDS, stateKeyParts } from '../../core/state-bounds.ts';
import type { Clock } from '../../ports/clock.ts';
import type { StateStore, StateTerms, StateWrite, StoredState } from '../../ports/state-store.ts';
import {
  inTransaction,
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteStatement,
} from './sqlite-database.ts';
import { whenFree } from './when-free.ts';

/** How {@link openSqliteStateStore} opens a store. @internal */
export interface SqliteStateStoreOptions {
  /** A file of its own; made when it is not there. Its folder must exist. */
  readonly path: string;
  /** The same for all processes: states expire by it. */
  readonly clock: Clock;
  /** States of a namespace; beyond it those go that would expire first. Passed for a moment. @defaultValue 100_000 */
  readonly maxStates?: number;
  /** @defaultValue better-sqlite3 where it is installed, else Node's own */
  readonly driver?: SqliteDriver;
}

/** A write is a new row, and numbers of rows never come again: they are the versions. */
const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE states (
  version INTEGER PRIMARY KEY AUTOINCREMENT,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (namespace, name)
) STRICT;
CREATE INDEX states_ending ON states (expires_at_ms);
CREATE INDEX states_of_namespace ON states (namespace, expires_at_ms, size_bytes);
`,
];

/** A power cut may take the last seconds, never the file; only a checkpoint now and then waits for the disk. */
const PRAGMAS = { synchronous: 'NORMAL' } as const;

const MAX_STATES = 100_000;

/** Expired states that go with each write: more than it adds. */
const EXPIRED_A_WRITE = 8;

/** Writes of this process between two looks at how many states a namespace has: counting 100,000 takes a millisecond or two. */
const WRITES_A_COUNT = 100;

const WHAT = 'cannot use the store of states';

/**
 * States that the processes of a data folder share, in a file of their own. Written in place: what is learnt is written every few seconds, in
 * well below a millisecond. Another process's write is waited for without holding the event loop.
 * @internal
 */
export class SqliteStateStore implements StateStore {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;
  readonly #maxStates: number;
  readonly #read: SqliteStatement;
  readonly #sizes: SqliteStatement;
  readonly #readPage: SqliteStatement;
  readonly #version: SqliteStatement;
  readonly #insert: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #expire: SqliteStatement;
  readonly #count: SqliteStatement;
  readonly #evict: SqliteStatement;
  #writes = 0;
  #isClosed = false;

  /** Use {@link openSqliteStateStore}. */
  constructor(database: SqliteDatabase, { clock, maxStates }: SqliteStateStoreOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#maxStates = maxStates ?? MAX_STATES;
    const isNamed = 'namespace = ? AND name = ?';
    const ofNamespace =
      'FROM states WHERE namespace = ? AND expires_at_ms > ? ORDER BY expires_at_ms DESC, version DESC LIMIT';
    this.#read = database.prepare(`SELECT value, version FROM states WHERE ${isNamed} AND expires_at_ms > ?`);
    this.#sizes = database.prepare(`SELECT size_bytes ${ofNamespace} ${STATE_BOUNDS.maxRead}`);
    this.#readPage = database.prepare(`SELECT name, value, version ${ofNamespace} ?`);
    this.#version = database.prepare(`SELECT version FROM states WHERE ${isNamed} AND expires_at_ms > ?`);
    this.#insert = database.prepare(
      'INSERT INTO states (namespace, name, expires_at_ms, size_bytes, value) VALUES (?, ?, ?, ?, ?) RETURNING version',
    );
    this.#remove = database.prepare(`DELETE FROM states WHERE ${isNamed}`);
    const ending = 'ORDER BY expires_at_ms LIMIT';
    this.#expire = database.prepare(
      `DELETE FROM states WHERE version IN (SELECT version FROM states WHERE expires_at_ms <= ? ${ending} ${EXPIRED_A_WRITE})`,
    );
    this.#count = database.prepare('SELECT count(*) AS states FROM states WHERE namespace = ?');
    this.#evict = database.prepare(
      `DELETE FROM states WHERE version IN (SELECT version FROM states WHERE namespace = ? ${ending} ?)`,
    );
  }

  async read(key: string): Promise<StoredState | undefined> {
    const { namespace, name } = stateKeyParts(key);
    const row = await whenFree(() => this.#read.get(namespace, name, this.#clock.nowMs()), WHAT);
    return row === undefined ? undefined : { key, value: String(row['value']), version: Number(row['version']) };
  }

  async readAll(namespace: string): Promise<readonly StoredState[]> {
    checkStateNamespace(namespace);
    const rows = await whenFree(() => {
      const nowMs = this.#clock.nowMs();
      return this.#readPage.all(namespace, nowMs, this.#fitting(namespace, nowMs));
    }, WHAT);
    return rows.map((row) => ({
      key: `${namespace}/${String(row['name'])}`,
      value: String(row['value']),
      version: Number(row['version']),
    }));
  }

  async write(key: string, value: string, terms: StateTerms): Promise<StateWrite> {
    const { namespace, name } = stateKeyParts(key);
    checkStateWrite(value, terms);
    return this.#change(() => {
      const nowMs = this.#clock.nowMs();
      const version = Number(this.#version.get(namespace, name, nowMs)?.['version'] ?? 0);
      if (terms.expectedVersion !== undefined && terms.expectedVersion !== version)
        return { isWritten: false, version };
      this.#remove.run(namespace, name);
      this.#expire.run(nowMs);
      const row = this.#insert.get(namespace, name, Math.ceil(nowMs + terms.ttlMs), Buffer.byteLength(value), value);
      if (this.#writes % WRITES_A_COUNT === 0) this.#keepBound(namespace);
      this.#writes += 1;
      return { isWritten: true, version: Number(row?.['version']) };
    });
  }

  async remove(key: string): Promise<boolean> {
    const { namespace, name } = stateKeyParts(key);
    return this.#change(() => {
      const isThere = this.#version.get(namespace, name, this.#clock.nowMs()) !== undefined;
      this.#remove.run(namespace, name);
      return isThere;
    });
  }

  async close(): Promise<void> {
    if (!this.#isClosed) this.#database.close();
    this.#isClosed = true;
  }

  /** How many states may be read at a time, for their sizes. */
  #fitting(namespace: string, nowMs: number): number {
    let sizeBytes = 0;
    let states = 0;
    for (const row of this.#sizes.all(namespace, nowMs)) {
      sizeBytes += Number(row['size_bytes']);
      if (sizeBytes > STATE_BOUNDS.maxReadBytes) break;
      states += 1;
    }
    return states;
  }

  #keepBound(namespace: string): void {
    const excess = Number(this.#count.get(namespace)?.['states']) - this.#maxStates;
    if (excess > 0) this.#evict.run(namespace, excess);
  }

  #change<Result>(work: () => Result): Promise<Result> {
    return whenFree(() => inTransaction(this.#database, work), WHAT);
  }
}

/**
 * Opens a store of states; the file is made when it is not there, its folder must exist.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function openSqliteStateStore(options: SqliteStateStoreOptions): Promise<SqliteStateStore> {
  const driver = options.driver === undefined ? {} : { driver: options.driver };
  const database = await openDatabase(options.path, { pragmas: PRAGMAS, migrations: MIGRATIONS, ...driver });
  database.exec('PRAGMA busy_timeout = 0');
  return new SqliteStateStore(database, options);
}
