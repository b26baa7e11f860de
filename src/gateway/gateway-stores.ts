import { mkdir } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { FarthingError } from '../core/errors.ts';
import type { CacheStore, CacheStoreStats } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { keysPath, ledgerPath } from '../stores/sqlite/data-files.ts';
import { openSqliteKeyStore } from '../stores/sqlite/sqlite-key-store.ts';
import { openSqliteLedger, type SqliteLedger } from '../stores/sqlite/sqlite-ledger.ts';

/** What a gateway keeps. Opened once: a reload of the configuration does not touch it. @internal */
export interface GatewayStores {
  readonly folder: string;
  readonly ledger: SqliteLedger;
  readonly keys: KeyStore;
  /** Undefined when the cache is off. */
  readonly cache: CacheStore | undefined;
  readonly cacheStats: () => CacheStoreStats | undefined;
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
    closers.push(() => memory.close());
    return { folder, ledger, keys, cache: memory, cacheStats: () => memory.stats(), close };
  } catch (error) {
    await close();
    throw error;
  }
}
