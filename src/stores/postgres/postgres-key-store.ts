import type { KeyRecord, KeyStore } from '../../ports/key-store.ts';
import { keyRecordFrom } from '../sql/key-row.ts';
import { countChange, readCounter } from './postgres-counters.ts';
import type { PostgresConnectionOptions, PostgresDatabase } from './postgres-database.ts';
import { openMigratedDatabase } from './postgres-migrations.ts';

const FAULT = 'cannot use the key store';

/**
 * Keys in Postgres, shared by all that open the database. A change is durable when `put` resolves.
 * @public
 */
export class PostgresKeyStore implements KeyStore {
  readonly #database: PostgresDatabase;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openPostgresKeyStore}. */
  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async findBySecretHash(secretSha256: string): Promise<KeyRecord | undefined> {
    const row = await this.#database.use(FAULT, (queries) =>
      queries.selectFrom('keys').select('record').where('secret_sha256', '=', secretSha256).executeTakeFirst(),
    );
    return row === undefined ? undefined : keyRecordFrom(row.record);
  }

  async list(): Promise<readonly KeyRecord[]> {
    const rows = await this.#database.use(FAULT, (queries) =>
      queries.selectFrom('keys').select('record').orderBy('created_at_ms').orderBy('key_id').execute(),
    );
    return rows.map((row) => keyRecordFrom(row.record));
  }

  put(record: KeyRecord): Promise<void> {
    const { keyId, secretSha256, createdAtMs } = record;
    const row = { secret_sha256: secretSha256, created_at_ms: createdAtMs, record: JSON.stringify(record) };
    return this.#database.inTransaction(FAULT, async (transaction) => {
      await countChange(transaction, 'keys');
      await transaction
        .insertInto('keys')
        .values({ key_id: keyId, ...row })
        .onConflict((conflict) => conflict.column('key_id').doUpdateSet(row))
        .execute();
    });
  }

  version(): Promise<number> {
    return this.#database.use(FAULT, (queries) => readCounter(queries, 'keys'));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#database.release());
  }
}

/**
 * Opens the keys in a database. The schema is made, or brought up to date, where it must be.
 * @throws FarthingError `store-unavailable`, or `configuration` when a package is missing.
 * @public
 */
export async function openPostgresKeyStore(options: PostgresConnectionOptions): Promise<PostgresKeyStore> {
  return new PostgresKeyStore(await openMigratedDatabase(options));
}
