/**
 * The embedded stores on SQLite, for `ResponseCache`, `CachedLLMClient` and programs of their own. Apart from the root, so that a program without them loads no
 * database: better-sqlite3 where it is installed, else Node's own.
 * @packageDocumentation
 */
export { SqliteCacheStore } from './sqlite-cache-store.ts';
export type { SqliteCacheStoreOptions } from './sqlite-cache-store.ts';
export type { SqliteDriver } from './sqlite-database.ts';
export { openSqliteLedger } from './sqlite-ledger.ts';
export type { SqliteLedger, SqliteLedgerOptions } from './sqlite-ledger.ts';
