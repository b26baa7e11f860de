/**
 * The stores on Redis, for several machines: the cache, the counters of budgets, leases, rate limits and learnt states. They need the package ioredis, or
 * a client that the program passes in.
 * @packageDocumentation
 */
export { RedisBudgetStore } from './redis-budget-store.ts';
export type { RedisBudgetStoreOptions } from './redis-budget-store.ts';
export { RedisCacheStore } from './redis-cache-store.ts';
export type { RedisCacheStoreOptions } from './redis-cache-store.ts';
export type { RedisArgument, RedisClient } from './redis-client.ts';
export { RedisConnection } from './redis-connection.ts';
export type { RedisConnectionOptions, RedisPlace } from './redis-connection.ts';
export { RedisLeaseStore } from './redis-lease-store.ts';
export { RedisLimitStore } from './redis-limit-store.ts';
export { RedisStateStore } from './redis-state-store.ts';
export type { RedisStateStoreOptions } from './redis-state-store.ts';
