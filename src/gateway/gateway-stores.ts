import type { Config } from '../config/config.ts';
import { FarthingError } from '../core/errors.ts';
import { openFolderStores } from '../engine/folder-stores.ts';
import type { CacheStoreStats, ForgetfulCacheStore } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { AnnouncementBoard } from '../ports/control-store.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { LeaseStore } from '../ports/lease-store.ts';
import type { LimitStore } from '../ports/limit-store.ts';
import { keysPath, leasesPath, limitsPath } from '../stores/sqlite/data-files.ts';
import { openSqliteControlStore } from '../stores/sqlite/sqlite-control-store.ts';
import { openSqliteKeyStore } from '../stores/sqlite/sqlite-key-store.ts';
import { openSqliteLimitStore } from '../stores/sqlite/sqlite-limit-store.ts';
import type { SqliteLedger } from '../stores/sqlite/sqlite-ledger.ts';
import { openSqliteLeaseStore } from '../stores/sqlite/sqlite-lease-store.ts';

/** What a gateway keeps. Opened once: a reload of the configuration does not touch it. @internal */
export interface GatewayStores {
  readonly folder: string;
  readonly ledger: SqliteLedger;
  readonly keys: KeyStore;
  /** Memory over a file. Open also while the mode is `off`, since a reload may turn it on. */
  readonly cache: ForgetfulCacheStore;
  /** What the memory tier holds. */
  readonly cacheStats: () => CacheStoreStats;
  /** Carries deletes from the cache to other processes. */
  readonly board: AnnouncementBoard;
  /** Shares attempts with other processes. Undefined where this one is alone, or has its answers in memory only. */
  readonly leases: LeaseStore | undefined;
  /** Rates and caps that the processes of the folder share. */
  readonly limits: LimitStore;
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
 * Opens what a gateway keeps in its data folder.
 * @param hasWorkers - Whether other processes share the folder and answer the same calls.
 * @throws FarthingError `store-unavailable` when a file cannot be opened.
 * @internal
 */
export async function openStores(
  config: Config,
  ports: { readonly clock: Clock; readonly random: Random },
  onFault: StoreFaultListener,
  hasWorkers = false,
): Promise<GatewayStores> {
  const folder = dataFolderOf(config);
  const { memoryBytes, diskBytes } = config.cache;
  const stores = await openFolderStores({
    folder,
    memoryBytes,
    diskBytes,
    ...ports,
    onFault,
  });
  try {
    const [keys, board, limits, leases] = await Promise.all([
      openSqliteKeyStore(keysPath(folder)),
      openSqliteControlStore({ path: keysPath(folder), clock: ports.clock }),
      openSqliteLimitStore(limitsPath(folder)),
      hasWorkers && diskBytes !== 0
        ? openSqliteLeaseStore({ path: leasesPath(folder), clock: ports.clock })
        : undefined,
    ]);
    const close = async (): Promise<void> => {
      // Leases end when the cache has written what they were for.
      await Promise.all([stores.close(), keys.close(), board.close(), limits.close()]);
      await leases?.close();
    };
    const { ledger, cache, memory } = stores;
    return { folder, ledger, keys, cache, cacheStats: () => memory.stats(), board, leases, limits, close };
  } catch (error) {
    await stores.close();
    throw error;
  }
}
