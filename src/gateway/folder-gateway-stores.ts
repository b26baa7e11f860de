import type { CacheConfig } from '../config/config.ts';
import { openFolderBudgets } from '../engine/folder-budgets.ts';
import { FolderJobs } from '../engine/folder-jobs.ts';
import { openFolderStores } from '../engine/folder-stores.ts';
import { keysPath, leasesPath, limitsPath, resourcesPath } from '../stores/sqlite/data-files.ts';
import { openSqliteKeyStore } from '../stores/sqlite/sqlite-key-store.ts';
import { openSqliteLeaseStore } from '../stores/sqlite/sqlite-lease-store.ts';
import { openSqliteLimitStore } from '../stores/sqlite/sqlite-limit-store.ts';
import { openSqliteResourceRegistry } from '../stores/sqlite/sqlite-resource-registry.ts';
import { SqliteThread } from '../stores/sqlite/sqlite-thread.ts';
import type { GatewayStores, OpenStoresOptions } from './gateway-stores.ts';

/** Pages of a file that a connection keeps, in KiB below 0: better-sqlite3 would keep 16 MB in each. A run over a list comes by few rows twice. */
const LEAN_PRAGMAS = { cache_size: -512 } as const;

/**
 * Opens what a gateway keeps in its data folder.
 * @throws FarthingError `store-unavailable` when a file cannot be opened.
 * @internal
 */
export async function openFolderGatewayStores(
  folder: string,
  { memoryBytes, diskBytes, encryptionKeys }: CacheConfig,
  { clock, random, onFault, hasWorkers, memory: room = 'ample' }: OpenStoresOptions,
): Promise<GatewayStores> {
  const thread = room === 'lean' ? new SqliteThread(LEAN_PRAGMAS) : undefined;
  const stores = await openFolderStores({
    folder,
    memoryBytes,
    diskBytes,
    mappedBytes: room === 'lean' ? 0 : undefined,
    thread,
    encryptionKeys,
    clock,
    random,
    onFault,
  });
  try {
    const [keys, counters, limits, resources, leases] = await Promise.all([
      openSqliteKeyStore(keysPath(folder)),
      openFolderBudgets(folder, clock),
      openSqliteLimitStore(limitsPath(folder)),
      openSqliteResourceRegistry({ path: resourcesPath(folder), clock, thread }),
      hasWorkers && diskBytes !== 0 ? openSqliteLeaseStore({ path: leasesPath(folder), clock }) : undefined,
    ]);
    const jobs = new FolderJobs(folder);
    const close = async (): Promise<void> => {
      // Leases end when the cache has written what they were for.
      const others = [keys.close(), counters.close(), limits.close(), resources.close(), jobs.close()];
      await Promise.all([stores.close(), ...others]);
      await leases?.close();
    };
    const { ledger, cache, memory, stateStore } = stores;
    return {
      folder,
      ledger,
      keys,
      cache,
      cacheStats: () => memory.stats(),
      control: counters.book,
      leases,
      limits,
      budgets: counters.store,
      resources,
      jobs,
      stateStore,
      close,
    };
  } catch (error) {
    await stores.close();
    throw error;
  }
}
