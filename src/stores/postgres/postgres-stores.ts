import { PostgresControlStore } from './postgres-control-store.ts';
import { PostgresJobStore } from './postgres-job-store.ts';
import { PostgresKeyStore } from './postgres-key-store.ts';
import { type PostgresLedger, type PostgresLedgerOptions, startPostgresLedger } from './postgres-ledger.ts';
import { openMigratedDatabase } from './postgres-migrations.ts';
import { PostgresResourceRegistry } from './postgres-resource-registry.ts';

/** All that an instance keeps in Postgres, over one set of connections. @public */
export interface PostgresStores {
  readonly ledger: PostgresLedger;
  readonly keys: PostgresKeyStore;
  readonly control: PostgresControlStore;
  readonly resources: PostgresResourceRegistry;
  readonly jobs: PostgresJobStore;
  /** Closes the five stores, then the connections. */
  close(): Promise<void>;
}

/**
 * Opens ledger, keys, budgets, announcements, the registry of ids and calls that are answered later on one database. The schema is made, or brought up to date, where it must be; any number of
 * instances may start at once.
 * @example
 * ```ts
 * const stores = await openPostgresStores({ url: 'postgres://farthing@db/farthing', clock, random });
 * ```
 * @throws FarthingError `store-unavailable` when the database cannot be reached or was written by a newer version, `configuration` when a
 * package is missing.
 * @public
 */
export async function openPostgresStores(options: PostgresLedgerOptions): Promise<PostgresStores> {
  const database = await openMigratedDatabase(options);
  const ledger = await startPostgresLedger(database, options);
  const keys = new PostgresKeyStore(database.share());
  const control = new PostgresControlStore(database.share(), options.clock);
  const resources = new PostgresResourceRegistry(database.share(), options.clock);
  const jobs = new PostgresJobStore(database.share());
  return {
    ledger,
    keys,
    control,
    resources,
    jobs,
    close: async () => {
      // The others' shares must go also when the ledger cannot say good-bye.
      const closed = await Promise.allSettled([ledger, keys, control, resources, jobs].map((store) => store.close()));
      for (const each of closed) if (each.status === 'rejected') throw each.reason;
    },
  };
}
