import { setTimeout as delay } from 'node:timers/promises';
import { FarthingError } from '../../core/errors.ts';

/** What a statement takes and gives. Blobs come back as `Uint8Array` (a `Buffer` with better-sqlite3). @internal */
export type SqlValue = string | number | bigint | null | Uint8Array;

/** One row by column name. @internal */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** The package or built-in module that runs SQLite. @internal */
export type SqliteDriver = 'better-sqlite3' | 'node:sqlite';

/** A prepared statement; parameters are plain `?` (better-sqlite3 takes `?1` for a named one). @internal */
export interface SqliteStatement {
  get(...parameters: readonly SqlValue[]): SqlRow | undefined;
  all(...parameters: readonly SqlValue[]): readonly SqlRow[];
  iterate(...parameters: readonly SqlValue[]): IterableIterator<SqlRow>;
  /** Runs the statement and says how many rows it changed. */
  run(...parameters: readonly SqlValue[]): number;
}

/** An open database. Everything is synchronous: writes belong into `SqliteWriter`. @internal */
export interface SqliteDatabase {
  readonly driver: SqliteDriver;
  /** `bigints`: integers come back as `bigint`, for sums beyond 2^53. @defaultValue false */
  prepare(sql: string, options?: { readonly bigints?: boolean }): SqliteStatement;
  exec(sql: string): void;
  close(): void;
}

/** How to open a database. @internal */
export interface OpenDatabaseOptions {
  /** Reads only; the file must exist. @defaultValue false */
  readonly readonly?: boolean;
  /** Set in this order after `busy_timeout`. `journal_mode` is WAL unless it is named here. */
  readonly pragmas?: Readonly<Record<string, string | number>>;
  /**
   * Forward migrations: number n brings the schema from version n to n + 1; the version is SQLite's own `user_version`. Ignored for `readonly`.
   */
  readonly migrations?: readonly string[];
  /** @defaultValue better-sqlite3 where it is installed and loads, else Node's own */
  readonly driver?: SqliteDriver;
}

/** How long a statement waits for another process's lock, in milliseconds: a group commit takes less than 50. */
const BUSY_TIMEOUT_MS = 5000;

/** The few methods that both drivers share. */
interface RawStatement {
  get(...parameters: readonly SqlValue[]): unknown;
  all(...parameters: readonly SqlValue[]): unknown[];
  iterate(...parameters: readonly SqlValue[]): IterableIterator<unknown>;
  run(...parameters: readonly SqlValue[]): { readonly changes: number | bigint };
  safeIntegers?(on: boolean): unknown;
  setReadBigInts?(on: boolean): unknown;
}

interface RawDatabase {
  prepare(sql: string): RawStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

/**
 * Opens (and by default makes) a database file in WAL mode and brings its schema up to date.
 * @throws FarthingError `store-unavailable` when the file cannot be opened, or was written by a newer version.
 * @internal
 */
export async function openDatabase(path: string, options: OpenDatabaseOptions = {}): Promise<SqliteDatabase> {
  let database: SqliteDatabase | undefined;
  try {
    database = await openRaw(path, options);
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (options.readonly !== true) await setJournalMode(database, options.pragmas?.['journal_mode'] ?? 'WAL');
    for (const [name, value] of Object.entries(options.pragmas ?? {})) {
      if (name !== 'journal_mode') database.exec(`PRAGMA ${name} = ${value}`);
    }
    if (options.readonly !== true) migrate(database, options.migrations ?? []);
    return database;
  } catch (error) {
    database?.close();
    throw storeFault('cannot open the database', error);
  }
}

/**
 * Runs `work` in one transaction that holds the write lock from its start; a throw rolls back.
 * @internal
 */
export function inTransaction<Result>(database: SqliteDatabase, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** An error of SQLite as one of ours. The message is SQLite's own and holds no values. @internal */
export function storeFault(what: string, cause: unknown): FarthingError {
  if (cause instanceof FarthingError) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new FarthingError('store-unavailable', `${what}: ${detail}`, { retryable: true, cause });
}

/** Whether an error of SQLite, or its text, says that somebody else is writing. Both drivers say it in the same words, and only there. @internal */
export function isLocked(error: unknown): boolean {
  return String(error).includes('locked');
}

function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite has rolled back by itself (disk full, I/O error): the first error is the one that counts.
  }
}

/** Only one connection can change the mode, and SQLite does not wait for the others with its busy handler here. */
async function setJournalMode(database: SqliteDatabase, mode: string | number): Promise<void> {
  const wanted = String(mode).toLowerCase();
  for (let attempt = 0; ; attempt += 1) {
    if (String(database.prepare('PRAGMA journal_mode').get()?.['journal_mode']) === wanted) return;
    try {
      database.exec(`PRAGMA journal_mode = ${wanted}`);
      return;
    } catch (error) {
      if (attempt === 50 || !isLocked(error)) throw error;
      // oxlint-disable-next-line no-await-in-loop -- the next try must come after the wait
      await delay(20);
    }
  }
}

function migrate(database: SqliteDatabase, migrations: readonly string[]): void {
  if (migrations.length === 0 || versionOf(database) === migrations.length) return;
  inTransaction(database, () => {
    // Read again under the lock: another process may have migrated meanwhile.
    const version = versionOf(database);
    if (version > migrations.length) {
      throw new FarthingError(
        'store-unavailable',
        `the database has schema version ${version}, this program knows ${migrations.length}: use a newer program`,
      );
    }
    for (const sql of migrations.slice(version)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

function versionOf(database: SqliteDatabase): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

async function openRaw(path: string, options: OpenDatabaseOptions): Promise<SqliteDatabase> {
  if (options.driver !== 'node:sqlite') {
    try {
      return await openBetterSqlite(path, options.readonly === true);
    } catch (error) {
      if (options.driver !== undefined || !isMissing(error)) throw error;
    }
  }
  return openNodeSqlite(path, options.readonly === true);
}

async function openBetterSqlite(path: string, readonly: boolean): Promise<SqliteDatabase> {
  const { default: Database } = await import('better-sqlite3');
  return wrap(new Database(path, { readonly, fileMustExist: readonly }) as RawDatabase, 'better-sqlite3');
}

async function openNodeSqlite(path: string, readonly: boolean): Promise<SqliteDatabase> {
  const { DatabaseSync } = await import('node:sqlite');
  return wrap(new DatabaseSync(path, { readOnly: readonly }), 'node:sqlite');
}

/** The package is not installed, or has no build for this platform. */
function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' || code === 'ERR_DLOPEN_FAILED';
}

function wrap(raw: RawDatabase, driver: SqliteDriver): SqliteDatabase {
  return {
    driver,
    prepare(sql, options) {
      const statement = raw.prepare(sql);
      if (options?.bigints === true) {
        statement.safeIntegers?.(true);
        statement.setReadBigInts?.(true);
      }
      return {
        get: (...parameters) => statement.get(...parameters) as SqlRow | undefined,
        all: (...parameters) => statement.all(...parameters) as SqlRow[],
        iterate: (...parameters) => statement.iterate(...parameters) as IterableIterator<SqlRow>,
        run: (...parameters) => Number(statement.run(...parameters).changes),
      };
    },
    exec: (sql) => void raw.exec(sql),
    close: () => void raw.close(),
  };
}
