import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { FarthingError } from '../core/errors.ts';
import type { CacheStore, CacheStoreStats } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { keysPath, ledgerPath } from '../stores/sqlite/data-files.ts';
import { SqliteCacheStore } from '../stores/sqlite/sqlite-cache-store.ts';
import { openSqliteKeyStore } from '../stores/sqlite/sqlite-key-store.ts';
import { openSqliteLedger, type SqliteLedger } from '../stores/sqlite/sqlite-ledger.ts';
import { TieredCacheStore } from '../stores/tiered/tiered-cache-store.ts';

/** What a gateway keeps. Opened once: a reload of the configuration does not touch it. @internal */
export interface GatewayStores {
  readonly folder: string;
  readonly ledger: SqliteLedger;
  readonly keys: KeyStore;
  /** Memory over a file. Open also while the mode is `off`, since a reload may turn it on. */
  readonly cache: CacheStore;
  /** What the memory tier holds. */
  readonly cacheStats: () => CacheStoreStats;
  close(): Promise<void>;
}

/** Told of every operation that failed with nobody waiting for it. @internal */
export type StoreFaultListener = (store: 'cache' | 'ledger', operation: string, error: unknown) => void;

/** The folder that data is kept in. @throws FarthingError `configuration` for storage that this version cannot use. @internal */
export function dataFolderOf(config: Config): string {
  if (config.storage.kind === 'folder') return config.storage.path;
  throw new FarthingError('configuration', 'storage: Redis and Postgres are not active in this version; name a folder');
}

/**
 * Opens the data folder, making it (mode 0700) when it is not there.
 * @throws FarthingError `store-unavailable` when a file cannot be opened.
 * @internal
 */
export async function openStores(
  config: Config,
  ports: { readonly clock: Clock; readonly random: Random },
  onFault: StoreFaultListener,
): Promise<GatewayStores> {
  const folder = dataFolderOf(config);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closers.splice(0).map((closer) => closer()));
  };
  try {
    const ledger = await openSqliteLedger({
      path: ledgerPath(folder),
      ...ports,
      onFault: (operation, error) => onFault('ledger', operation, error),
    });
    closers.push(() => ledger.close());
    const keys = await openSqliteKeyStore(keysPath(folder));
    closers.push(() => keys.close());
    const memory = new MemoryCacheStore({ clock: ports.clock, maxBytes: config.cache.memoryBytes });
    const cache = await tiered(memory, join(folder, 'cache.db'), config.cache.diskBytes, ports.clock, onFault);
    closers.push(() => cache.close());
    return { folder, ledger, keys, cache, cacheStats: () => memory.stats(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function tiered(
  memory: MemoryCacheStore,
  path: string,
  maxBytes: number,
  clock: Clock,
  onFault: StoreFaultListener,
): Promise<CacheStore> {
  if (maxBytes === 0) return memory;
  const below = await SqliteCacheStore.open({ path, clock, maxBytes });
  return new TieredCacheStore({ memory, below, onFault: (operation, error) => onFault('cache', operation, error) });
}
