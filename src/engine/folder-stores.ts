import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ForgetfulCacheStore } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { StateStore } from '../ports/state-store.ts';
import { encryptedCacheStore } from '../stores/encrypted/encrypted-cache-store.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { MemoryStateStore } from '../stores/memory/memory-state-store.ts';
import { ledgerPath, statesPath } from '../stores/sqlite/data-files.ts';
import { openSqliteLedger, type SqliteLedger } from '../stores/sqlite/sqlite-ledger.ts';
import { SqliteCacheStore } from '../stores/sqlite/sqlite-cache-store.ts';
import { openSqliteStateStore } from '../stores/sqlite/sqlite-state-store.ts';
import type { SqliteThread } from '../stores/sqlite/sqlite-thread.ts';
import { TieredCacheStore } from '../stores/tiered/tiered-cache-store.ts';

/** Answers on disk share commits: four times cheaper at a thousand calls a second, and a process that dies loses a quarter of a second of cache. */
const CACHE_WRITE_PATIENCE_MS = 250;

/** What an engine keeps in a data folder. @internal */
export interface FolderStores {
  readonly ledger: SqliteLedger;
  readonly memory: MemoryCacheStore;
  /** Memory over disk, or memory alone. */
  readonly cache: ForgetfulCacheStore;
  /** What was learnt from traffic. */
  readonly stateStore: StateStore;
  close(): Promise<void>;
}

/** How {@link openFolderStores} opens a folder. @internal */
export interface FolderStoresOptions {
  readonly folder: string;
  readonly memoryBytes?: number | undefined;
  /** 0 keeps no answers on disk. @defaultValue that of the SQLite cache store */
  readonly diskBytes?: number | undefined;
  /** How much of the file of answers is mapped into memory. @defaultValue that of the SQLite cache store */
  readonly mappedBytes?: number | undefined;
  /** The thread that writes to the files. @defaultValue one for each */
  readonly thread?: SqliteThread | undefined;
  /** Keys for answers on disk: the first encrypts, all decrypt. @defaultValue they are in clear */
  readonly encryptionKeys?: readonly string[] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of every operation that failed with nobody waiting for it. */
  readonly onFault: (store: 'cache' | 'ledger' | 'states', operation: string, error: unknown) => void;
}

/**
 * Opens ledger, cache and learnt states in a folder, making it (mode 0700) when it is not there.
 * @throws FarthingError `store-unavailable` when the ledger or the cache cannot be opened; without a file of states there are those of this process.
 * @internal
 */
export async function openFolderStores(options: FolderStoresOptions): Promise<FolderStores> {
  const { folder, clock, random, memoryBytes, thread, onFault } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const memory = new MemoryCacheStore({ clock, ...(memoryBytes === undefined ? {} : { maxBytes: memoryBytes }) });
  const openingStates = openStates(options);
  // At the same time: each starts a thread of its own and waits for it.
  const [openedLedger, openedCache] = await Promise.allSettled([
    openSqliteLedger({
      path: ledgerPath(folder),
      clock,
      random,
      thread,
      onFault: (operation, error) => onFault('ledger', operation, error),
    }),
    overDisk(memory, options),
  ]);
  const stateStore = await openingStates;
  if (openedLedger.status === 'fulfilled' && openedCache.status === 'fulfilled') {
    const [ledger, cache] = [openedLedger.value, openedCache.value];
    const close = async (): Promise<void> => {
      await Promise.all([cache.close(), ledger.close(), stateStore.close()]);
    };
    return { ledger, memory, cache, stateStore, close };
  }
  await stateStore.close();
  if (openedLedger.status === 'fulfilled') await openedLedger.value.close();
  if (openedCache.status === 'fulfilled') await openedCache.value.close();
  throw openedLedger.status === 'rejected' ? openedLedger.reason : (openedCache as PromiseRejectedResult).reason;
}

/** Never rejects: what was learnt may be lost, and is no reason not to start. */
async function openStates({ folder, clock, onFault }: FolderStoresOptions): Promise<StateStore> {
  try {
    return await openSqliteStateStore({ path: statesPath(folder), clock });
  } catch (error) {
    onFault('states', 'open', error);
    return new MemoryStateStore({ clock });
  }
}

async function overDisk(memory: MemoryCacheStore, options: FolderStoresOptions): Promise<ForgetfulCacheStore> {
  const { folder, diskBytes, mappedBytes, thread, encryptionKeys, clock } = options;
  if (diskBytes === 0) return memory;
  const onFault = (operation: string, error: unknown): void => options.onFault('cache', operation, error);
  const file = await SqliteCacheStore.open({
    path: join(folder, 'cache.db'),
    clock,
    writePatienceMs: CACHE_WRITE_PATIENCE_MS,
    // What was written in clear before is not to outlive its time.
    eraseDeleted: encryptionKeys !== undefined,
    mappedBytes,
    thread,
    ...(diskBytes === undefined ? {} : { maxBytes: diskBytes }),
  });
  const below = encryptionKeys === undefined ? file : encryptedCacheStore(file, { keys: encryptionKeys, onFault });
  return new TieredCacheStore({ memory, below, onFault });
}
