import type { CacheConfig, StorageConfig } from '../config/config.ts';
import { breakerCacheStore } from '../middleware/cache/breaker-cache-store.ts';
import { encryptedCacheStore } from '../stores/encrypted/encrypted-cache-store.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { openPostgresStores } from '../stores/postgres/postgres-stores.ts';
import { RedisBudgetStore } from '../stores/redis/redis-budget-store.ts';
import { RedisCacheStore } from '../stores/redis/redis-cache-store.ts';
import { RedisConnection } from '../stores/redis/redis-connection.ts';
import { RedisLeaseStore } from '../stores/redis/redis-lease-store.ts';
import { RedisLimitStore } from '../stores/redis/redis-limit-store.ts';
import { RedisStateStore } from '../stores/redis/redis-state-store.ts';
import { TieredCacheStore } from '../stores/tiered/tiered-cache-store.ts';
import type { GatewayStores, OpenStoresOptions } from './gateway-stores.ts';

/**
 * Opens what many gateways share: the ledger, keys and what operators set in Postgres; answers, budgets, limits, leases and what was learnt in Redis. Postgres
 * must be there; Redis need not be yet: hard budgets refuse until it is.
 * @throws FarthingError `store-unavailable` when Postgres cannot be reached, `configuration` when a package is missing.
 * @internal
 */
export async function openServiceGatewayStores(
  { redisUrl, postgresUrl }: Extract<StorageConfig, { readonly kind: 'services' }>,
  { memoryBytes, encryptionKeys }: CacheConfig,
  { clock, random, onFault }: OpenStoresOptions,
): Promise<GatewayStores> {
  const connection = await RedisConnection.open({ url: redisUrl });
  try {
    const postgres = await openPostgresStores({
      url: postgresUrl,
      clock,
      random,
      onFault: (operation, error) => onFault('ledger', operation, error),
    });
    const memory = new MemoryCacheStore({ clock, maxBytes: memoryBytes });
    const onCacheFault = (operation: string, error: unknown): void => onFault('cache', operation, error);
    const shared = breakerCacheStore(new RedisCacheStore({ connection, clock }));
    // Around the breaker: an entry that cannot be opened is no fault of Redis.
    const below =
      encryptionKeys === undefined
        ? shared
        : encryptedCacheStore(shared, { keys: encryptionKeys, compress: true, onFault: onCacheFault });
    const cache = new TieredCacheStore({ memory, below, onFault: onCacheFault });
    const { ledger, keys, control, resources, jobs } = postgres;
    return {
      folder: undefined,
      ledger,
      keys,
      cache,
      cacheStats: () => memory.stats(),
      control,
      leases: new RedisLeaseStore({ connection }),
      limits: new RedisLimitStore({ connection }),
      budgets: new RedisBudgetStore({ connection }),
      resources,
      jobs,
      stateStore: new RedisStateStore({ connection }),
      close: async () => {
        await Promise.all([cache.close(), postgres.close()]);
        await connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
