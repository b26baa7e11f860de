import type { BudgetStore, BudgetStoreUpkeep } from '../ports/budget-store.ts';
import type { CacheStoreStats, ForgetfulCacheStore } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { ControlStore } from '../ports/control-store.ts';
import type { Jobs } from '../ports/job-store.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { LeaseStore } from '../ports/lease-store.ts';
import type { Ledger, LedgerOwner, LedgerReader, SpendingReader } from '../ports/ledger.ts';
import type { LimitStore } from '../ports/limit-store.ts';
import type { ResourceRegistry } from '../ports/resource-registry.ts';
import type { StateStore } from '../ports/state-store.ts';

/** What a gateway keeps. Opened once: a reload of the configuration does not touch it. @internal */
export interface GatewayStores {
  /** The data folder; undefined where everything is kept in services. */
  readonly folder: string | undefined;
  readonly ledger: Ledger & LedgerReader & LedgerOwner & SpendingReader;
  readonly keys: KeyStore;
  /** Memory over a file or over Redis. Open also while the mode is `off`, since a reload may turn it on. */
  readonly cache: ForgetfulCacheStore;
  /** What the memory tier holds. */
  readonly cacheStats: () => CacheStoreStats;
  /** Budgets that were set at run time, and what all processes must hear of. */
  readonly control: ControlStore;
  /** Shares attempts with other processes. Undefined where this one is alone, or has its answers in memory only. */
  readonly leases: LeaseStore | undefined;
  /** Rates and caps that the processes share. */
  readonly limits: LimitStore;
  readonly budgets: BudgetStore & BudgetStoreUpkeep;
  /** Whose the things are that providers keep. */
  readonly resources: ResourceRegistry;
  /** Calls that are answered later, and batches of them. */
  readonly jobs: Jobs;
  /** What was learnt from traffic, and may be lost. */
  readonly stateStore: StateStore;
  close(): Promise<void>;
}

/** How stores are opened. @internal */
export interface OpenStoresOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Told of every operation that failed with nobody waiting for it. */
  readonly onFault: StoreFaultListener;
  /** Whether other processes of this machine answer the same calls. */
  readonly hasWorkers: boolean;
  /** `lean`: nothing of a file of answers is mapped into memory, and files are written by one thread, where a commit waits for those of others. @defaultValue 'ample' */
  readonly memory?: 'ample' | 'lean';
}

/** Told of every operation that failed with nobody waiting for it. @internal */
export type StoreFaultListener = (store: 'cache' | 'ledger' | 'states', operation: string, error: unknown) => void;
