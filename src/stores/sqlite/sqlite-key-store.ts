import type { KeyRecord, KeyStore } from '../../ports/key-store.ts';
import { keyRecordFrom } from '../sql/key-row.ts';
import { KEYS_MIGRATIONS } from './keys-schema.ts';
import {
  inTransaction,
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteStatement,
  storeFault,
} from './sqlite-database.ts';

/**
 * Keys in a SQLite file of their own, shared by every process of a data folder. A change is durable when `put` resolves; it
 * is written in place, as keys change a few times a day.
 * @public
 */
export class SqliteKeyStore implements KeyStore {
  readonly #database: SqliteDatabase;
  readonly #find: SqliteStatement;
  readonly #list: SqliteStatement;
  readonly #put: SqliteStatement;
  readonly #count: SqliteStatement;
  readonly #version: SqliteStatement;

  /** @internal Use {@link openSqliteKeyStore}. */
  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#find = database.prepare('SELECT record FROM keys WHERE secret_sha256 = ?');
    this.#list = database.prepare('SELECT record FROM keys ORDER BY created_at_ms, key_id');
    this.#put = database.prepare(
      `INSERT INTO keys VALUES (?, ?, ?, ?) ON CONFLICT (key_id) DO UPDATE SET
       secret_sha256 = excluded.secret_sha256, created_at_ms = excluded.created_at_ms, record = excluded.record`,
    );
    this.#count = database.prepare('UPDATE changes SET version = version + 1');
    this.#version = database.prepare('SELECT version FROM changes');
  }

  async findBySecretHash(secretSha256: string): Promise<KeyRecord | undefined> {
    const row = this.#guarded(() => this.#find.get(secretSha256));
    return row === undefined ? undefined : keyRecordFrom(String(row['record']));
  }

  async list(): Promise<readonly KeyRecord[]> {
    return this.#guarded(() => this.#list.all()).map((row) => keyRecordFrom(String(row['record'])));
  }

  async put(record: KeyRecord): Promise<void> {
    const { keyId, secretSha256, createdAtMs } = record;
    this.#guarded(() =>
      inTransaction(this.#database, () => {
        this.#put.run(keyId, secretSha256, createdAtMs, JSON.stringify(record));
        this.#count.run();
      }),
    );
  }

  async version(): Promise<number> {
    return this.#guarded(() => Number(this.#version.get()?.['version']));
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw storeFault('cannot use the key store', error);
    }
  }
}

/**
 * Opens a key store; the file is made when it is not there, its folder must exist.
 * @throws FarthingError `store-unavailable`
 * @public
 */
export async function openSqliteKeyStore(path: string, driver?: SqliteDriver): Promise<SqliteKeyStore> {
  const pragmas = { synchronous: 'FULL' };
  const options = { pragmas, migrations: KEYS_MIGRATIONS, ...(driver === undefined ? {} : { driver }) };
  return new SqliteKeyStore(await openDatabase(path, options));
}
