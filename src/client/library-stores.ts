import { systemClock, systemRandom } from '../engine/system-ports.ts';
import type { BudgetStore, BudgetStoreUpkeep } from '../ports/budget-store.ts';
import type { CacheStore } from '../ports/cache-store.ts';
import type { EngineEvent } from '../ports/event-sink.ts';
import type { BudgetBook } from '../ports/control-store.ts';
import type { Jobs } from '../ports/job-store.ts';
import type { Ledger, LedgerOwner, LedgerReader, SpendingReader } from '../ports/ledger.ts';
import type { StateStore } from '../ports/state-store.ts';
import { MemoryBudgetStore } from '../stores/memory/memory-budget-store.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { MemoryJobStore } from '../stores/memory/memory-job-store.ts';
import { MemoryStateStore } from '../stores/memory/memory-state-store.ts';
import { MemoryLedger } from '../stores/memory-ledger/memory-ledger.ts';

/** The stores of an engine in this process. @internal */
export interface LibraryStores {
  readonly cache: CacheStore;
  readonly ledger: Ledger & LedgerReader & LedgerOwner & SpendingReader;
  readonly budgets: BudgetStore & BudgetStoreUpkeep;
  /** Resets of budgets; undefined where nothing outlives the process. */
  readonly book: BudgetBook | undefined;
  /** Calls that are answered later, and batches of them. */
  readonly jobs: Jobs;
  /** What was learnt from traffic, and may be lost. */
  readonly stateStore: StateStore;
  close(): Promise<void>;
}

/** What {@link openLibraryStores} needs. @internal */
export interface LibraryStoresOptions {
  /** A folder; undefined keeps everything in memory. */
  readonly storage: string | undefined;
  readonly memoryBytes: number | undefined;
  readonly diskBytes: number | undefined;
  readonly encryptionKeys: readonly string[] | undefined;
  readonly emit: (event: EngineEvent) => void;
}

/** Opens the stores. SQLite is loaded only where a folder is given. @internal */
export async function openLibraryStores(options: LibraryStoresOptions): Promise<LibraryStores> {
  if (options.storage === undefined) {
    const memory = new MemoryCacheStore({
      clock: systemClock,
      ...(options.memoryBytes === undefined ? {} : { maxBytes: options.memoryBytes }),
    });
    const ledger = new MemoryLedger();
    const close = async (): Promise<void> => {
      await memory.close();
      await ledger.close();
    };
    const budgets = new MemoryBudgetStore({ clock: systemClock });
    const stateStore = new MemoryStateStore({ clock: systemClock });
    const jobs = new MemoryJobStore();
    return { cache: memory, ledger, budgets, book: undefined, jobs, stateStore, close };
  }
  const { openFolderStores } = await import('../engine/folder-stores.ts');
  const stores = await openFolderStores({
    folder: options.storage,
    memoryBytes: options.memoryBytes,
    diskBytes: options.diskBytes,
    encryptionKeys: options.encryptionKeys,
    clock: systemClock,
    random: systemRandom,
    onFault: (store, operation, error) => options.emit({ kind: 'store-failed', store, operation, error }),
  });
  const { cache, ledger, stateStore } = stores;
  const { openFolderBudgets } = await import('../engine/folder-budgets.ts');
  const { FolderJobs } = await import('../engine/folder-jobs.ts');
  const jobs = new FolderJobs(options.storage);
  const counters = await openFolderBudgets(options.storage, systemClock);
  const close = async (): Promise<void> => {
    await Promise.all([stores.close(), counters.close(), jobs.close()]);
  };
  return { cache, ledger, budgets: counters.store, book: counters.book, jobs, stateStore, close };
}
