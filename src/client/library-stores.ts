import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import type { CacheStore } from '../ports/cache-store.ts';
import type { EngineEvent } from '../ports/event-sink.ts';
import type { Ledger, LedgerReader } from '../ports/ledger.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { MemoryLedger } from '../stores/memory-ledger/memory-ledger.ts';

/** The stores of an engine in this process. @internal */
export interface LibraryStores {
  readonly cache: CacheStore;
  readonly ledger: Ledger & LedgerReader;
  readonly ownerId: string;
  close(): Promise<void>;
}

/** What {@link openLibraryStores} needs. @internal */
export interface LibraryStoresOptions {
  /** A folder; undefined keeps everything in memory. */
  readonly storage: string | undefined;
  readonly memoryBytes: number | undefined;
  readonly diskBytes: number | undefined;
  readonly emit: (event: EngineEvent) => void;
}

/** Opens the stores. SQLite is loaded only where a folder is given. @internal */
export async function openLibraryStores(options: LibraryStoresOptions): Promise<LibraryStores> {
  const memory = new MemoryCacheStore({
    clock: systemClock,
    ...(options.memoryBytes === undefined ? {} : { maxBytes: options.memoryBytes }),
  });
  if (options.storage === undefined) {
    const ledger = new MemoryLedger();
    const close = async (): Promise<void> => {
      await memory.close();
      await ledger.close();
    };
    return { cache: memory, ledger, ownerId: systemRandom.hex(16), close };
  }
  return openFolder(options.storage, memory, options);
}

async function openFolder(
  folder: string,
  memory: MemoryCacheStore,
  options: LibraryStoresOptions,
): Promise<LibraryStores> {
  const [{ openSqliteLedger }, { SqliteCacheStore }, { TieredCacheStore }] = await Promise.all([
    import('../stores/sqlite/sqlite-ledger.ts'),
    import('../stores/sqlite/sqlite-cache-store.ts'),
    import('../stores/tiered/tiered-cache-store.ts'),
  ]);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ledger = await openSqliteLedger({
    path: join(folder, 'ledger.db'),
    clock: systemClock,
    random: systemRandom,
    onFault: (operation, error) => options.emit({ kind: 'store-failed', store: 'ledger', operation, error }),
  });
  const below = await SqliteCacheStore.open({
    path: join(folder, 'cache.db'),
    clock: systemClock,
    ...(options.diskBytes === undefined ? {} : { maxBytes: options.diskBytes }),
  });
  const cache = new TieredCacheStore({
    memory,
    below,
    onFault: (operation, error) => options.emit({ kind: 'store-failed', store: 'cache', operation, error }),
  });
  const close = async (): Promise<void> => {
    await cache.close();
    await ledger.close();
  };
  return { cache, ledger, ownerId: ledger.ownerId, close };
}
