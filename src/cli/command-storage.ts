import { mkdirSync, readFileSync } from 'node:fs';
import type { Config, StorageConfig } from '../config/config.ts';
import { systemClock } from '../engine/system-ports.ts';
import type { BudgetStore, BudgetStoreUpkeep } from '../ports/budget-store.ts';
import type { BudgetBook } from '../ports/control-store.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { LedgerReader, SpendingReader } from '../ports/ledger.ts';
import type { DataOptions } from './data-folder.ts';
import { existingFile } from './data-folder.ts';

/** A configuration, and where the command looks for data. @internal */
export interface CommandSettings {
  readonly config: Config;
  readonly storage: StorageConfig;
}

/** Counters and what was set at run time. @internal */
export interface BudgetStorage {
  readonly store: BudgetStore & BudgetStoreUpkeep;
  readonly book: BudgetBook;
  close(): Promise<void>;
}

/** A ledger that is only read. @internal */
export interface OpenedLedger {
  readonly ledger: LedgerReader & SpendingReader;
  readonly livingOwners: () => Promise<readonly string[]>;
  close(): Promise<void>;
}

/** For how long a person at a terminal waits for Redis, in milliseconds; a gateway is more impatient. */
const REDIS_TIMEOUT_MS = 5000;

/** Where data is kept: the folder that was named, without looking at any configuration, else what the configuration says. @internal */
export async function storageOf(options: DataOptions): Promise<StorageConfig> {
  return options.data === undefined ? (await commandSettings(options)).storage : { kind: 'folder', path: options.data };
}

/** The configuration, and the storage: the folder that was named, else what the configuration says. @internal */
export async function commandSettings(options: DataOptions): Promise<CommandSettings> {
  const { findConfig } = await import('../config/find-config.ts');
  const { environment } = await import('../config/env.ts');
  const sources = { env: environment(), readFile: (path: string) => readFileSync(path, 'utf8') };
  const { config } = findConfig(sources, options.config);
  return { config, storage: options.data === undefined ? config.storage : { kind: 'folder', path: options.data } };
}

/**
 * Opens counters and stored budgets, also while gateways use them.
 * @throws FarthingError `store-unavailable`, or `configuration` when a package is missing.
 * @internal
 */
export async function openBudgetStorage(storage: StorageConfig): Promise<BudgetStorage> {
  return storage.kind === 'folder' ? openFolder(storage.path) : openServices(storage);
}

async function openFolder(folder: string): Promise<BudgetStorage> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { budgetsPath, keysPath } = await import('../stores/sqlite/data-files.ts');
  const { openSqliteBudgetStore } = await import('../stores/sqlite/sqlite-budget-store.ts');
  const { openSqliteControlStore } = await import('../stores/sqlite/sqlite-control-store.ts');
  const store = await openSqliteBudgetStore({ path: budgetsPath(folder), clock: systemClock });
  const book = await openSqliteControlStore({ path: keysPath(folder), clock: systemClock });
  return { store, book, close: () => closeAll([store, book]) };
}

async function openServices(storage: Extract<StorageConfig, { readonly kind: 'services' }>): Promise<BudgetStorage> {
  const { RedisConnection } = await import('../stores/redis/redis-connection.ts');
  const { RedisBudgetStore } = await import('../stores/redis/redis-budget-store.ts');
  const { openPostgresControlStore } = await import('../stores/postgres/postgres-control-store.ts');
  const book = await openPostgresControlStore({ url: storage.postgresUrl, clock: systemClock, maxConnections: 1 });
  const connection = await RedisConnection.open({ url: storage.redisUrl, timeoutMs: REDIS_TIMEOUT_MS });
  const store = new RedisBudgetStore({ connection });
  return { store, book, close: () => closeAll([store, connection, book]) };
}

async function closeAll(opened: readonly { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(opened.map((each) => each.close()));
}

/**
 * Opens the ledger for reading, without taking part in it.
 * @throws FarthingError `not-found` or `store-unavailable`
 * @internal
 */
export async function openLedger(storage: StorageConfig): Promise<OpenedLedger> {
  if (storage.kind === 'folder') {
    const { ledgerPath } = await import('../stores/sqlite/data-files.ts');
    const { openLedgerReader } = await import('../stores/sqlite/sqlite-ledger-reader.ts');
    const ledger = await openLedgerReader(existingFile(ledgerPath(storage.path), 'ledger'));
    return { ledger, livingOwners: () => ledger.livingOwners(), close: () => ledger.close() };
  }
  const { openMigratedDatabase } = await import('../stores/postgres/postgres-migrations.ts');
  const { PostgresLedgerReader } = await import('../stores/postgres/postgres-ledger-reader.ts');
  const database = await openMigratedDatabase({ url: storage.postgresUrl, maxConnections: 1 });
  const ledger = new PostgresLedgerReader(database);
  return { ledger, livingOwners: () => ledger.livingOwners(), close: () => database.release() };
}

/**
 * Opens the keys, making the folder where it is not there.
 * @throws FarthingError `store-unavailable`, or `configuration` when a package is missing.
 * @internal
 */
export async function openKeys(storage: StorageConfig): Promise<KeyStore> {
  if (storage.kind === 'services') {
    const { openPostgresKeyStore } = await import('../stores/postgres/postgres-key-store.ts');
    return openPostgresKeyStore({ url: storage.postgresUrl, maxConnections: 1 });
  }
  mkdirSync(storage.path, { recursive: true, mode: 0o700 });
  const { keysPath } = await import('../stores/sqlite/data-files.ts');
  const { openSqliteKeyStore } = await import('../stores/sqlite/sqlite-key-store.ts');
  return openSqliteKeyStore(keysPath(storage.path));
}
