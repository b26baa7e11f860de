/**
 * The stores of many machines on Postgres: ledger, keys, budgets, announcements, the registry of ids and calls that are answered later. They need the packages `pg` and `kysely`.
 * @packageDocumentation
 */
export { openPostgresControlStore } from './postgres-control-store.ts';
export type { PostgresControlStore, PostgresControlStoreOptions } from './postgres-control-store.ts';
export type { PostgresConnectionOptions } from './postgres-database.ts';
export { openPostgresJobStore } from './postgres-job-store.ts';
export type { PostgresJobStore } from './postgres-job-store.ts';
export { openPostgresKeyStore } from './postgres-key-store.ts';
export type { PostgresKeyStore } from './postgres-key-store.ts';
export { openPostgresLedger } from './postgres-ledger.ts';
export type { PostgresLedger, PostgresLedgerOptions, PostgresLedgerSettings } from './postgres-ledger.ts';
export { openPostgresResourceRegistry } from './postgres-resource-registry.ts';
export type { PostgresResourceRegistry, PostgresResourceRegistryOptions } from './postgres-resource-registry.ts';
export { openPostgresStores } from './postgres-stores.ts';
export type { PostgresStores } from './postgres-stores.ts';
