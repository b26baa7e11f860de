import type { Logger } from 'pino';
import type { RouteTable } from '../core/route/route-table.ts';
import type { GuardBook } from '../engine/guard/guard-book.ts';
import type { Config, ExplainedValue } from '../config/config.ts';
import type { BudgetStore, BudgetStoreUpkeep } from '../ports/budget-store.ts';
import type { CacheStore, CacheStoreStats } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { BudgetBook } from '../ports/control-store.ts';
import type { BatchBook, JobQueue } from '../ports/job-store.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { LedgerReader } from '../ports/ledger.ts';
import type { BudgetWatch } from './budget-watch.ts';
import type { CacheAnnouncements } from './cache-announcements.ts';
import type { AdmissionControl } from './admission/admission-control.ts';
import type { DoorState } from './call-door.ts';
import type { ClientBatches } from './batches/client-batches.ts';
import type { DeferredCalls } from './deferred/deferred-calls.ts';
import type { DeferredDesk } from './deferred/deferred-desk.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { PassThrough } from './pass-through.ts';
import type { ResourceOwners } from './resources/resource-owners.ts';
import type { WorkerGroup } from './workers/worker-group.ts';

/** What a reload replaces as a whole. @internal */
export interface GatewayState extends DoorState {
  readonly config: Config;
  readonly passThrough: PassThrough;
  /** Effective values and their origins, secrets cut out; undefined where nobody gave them. */
  readonly explained: readonly ExplainedValue[] | undefined;
  readonly routes: RouteTable;
  /** What is known of the quality of routes; undefined without routes. */
  readonly routeGuard: Pick<GuardBook, 'statuses'> | undefined;
}

/** Budgets as operators see and change them. @internal */
export interface OpenedBudgets {
  readonly store: BudgetStore & BudgetStoreUpkeep;
  readonly book: BudgetBook;
  readonly watch: Pick<BudgetWatch, 'current' | 'refresh'>;
}

/** Calls that are answered later, as callers and operators see them. @internal */
export interface OpenedBatches {
  readonly desk: DeferredDesk;
  readonly calls: DeferredCalls;
  /** Batches that clients make themselves. */
  readonly clientBatches: ClientBatches;
  readonly book: Pick<BatchBook & JobQueue, 'batches' | 'queues'>;
}

/** What routes work with. @internal */
export interface GatewayContext {
  readonly state: () => GatewayState;
  readonly admission: Pick<AdmissionControl, 'enter' | 'leave' | 'inFlight' | 'isDraining' | 'isShedding'>;
  readonly keys: KeyStore;
  readonly cache: CacheStore;
  /** What the cache's memory holds. */
  readonly cacheStats: () => CacheStoreStats;
  /** Tells other processes what was deleted from the cache. @defaultValue there are none */
  readonly announcements?: Pick<CacheAnnouncements, 'announce'> | undefined;
  /** The workers of which this process is one. @defaultValue it stands alone */
  readonly workers?: WorkerGroup | undefined;
  /** @defaultValue no budgets are counted */
  readonly budgets?: OpenedBudgets | undefined;
  /** @defaultValue every call is answered now */
  readonly deferred?: OpenedBatches | undefined;
  readonly ledger: LedgerReader;
  /** Whose the ids are that providers give. */
  readonly resources: ResourceOwners;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly startedAtMs: number;
  /** Rejects when the ledger cannot be written. */
  readonly checkLedger: () => Promise<void>;
  /** Reads the configuration again; rejects, and changes nothing, when it is faulty. */
  readonly reload: () => Promise<void>;
}
