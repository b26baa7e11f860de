import { hash } from 'node:crypto';
import { cacheScope } from '../core/cache-key.ts';
import { vendorOfModel } from '../core/model-catalogue.ts';
import { LearnedRefusals } from '../core/adapt/learned-refusals.ts';
import { DEFAULT_RESILIENCE } from '../core/resilience/resilience-policy.ts';
import type { RouteProvider } from '../core/route/route-table.ts';
import type { CacheOptions } from '../middleware/cache/cache-access.ts';
import { SeenCalls } from '../middleware/cache/seen-calls.ts';
import type { BudgetPolicy } from '../middleware/budget/budget.ts';
import { BudgetKeeper } from '../middleware/budget/budget-keeper.ts';
import { ChargeSpool } from '../middleware/charge/charge-spool.ts';
import type { ChainOptions } from '../middleware/chains.ts';
import type { Call } from '../middleware/compose.ts';
import { embeddingsMiddleware } from '../middleware/cache/embeddings.ts';
import { RecordingRoom } from '../middleware/cache/reply-recorder.ts';
import { storeMiddleware } from '../middleware/cache/store.ts';
import { CallLimiter } from '../middleware/limits/call-limiter.ts';
import { CascadeBook } from '../middleware/cascade/cascade-book.ts';
import { TargetBook } from '../middleware/resilience/target-book.ts';
import type { CacheStore, PeekableCacheStore, SettlingCacheStore, SnapshotCacheStore } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Pricer } from '../ports/pricer.ts';
import { MemoryBudgetStore } from '../stores/memory/memory-budget-store.ts';
import { MemoryLimitStore } from '../stores/memory/memory-limit-store.ts';
import { bookPricer } from './book-pricer.ts';
import {
  DEFAULT_BUDGET_POLICY,
  DEFAULT_MAX_ENTRY_BYTES,
  DEFAULT_MAX_REPLY_BYTES,
  DEFAULT_TIMEOUTS,
  type EngineCache,
  type EngineOptions,
} from './engine-options.ts';
import { ENGINE_MEMORY, type EngineMemory } from './engine-memory.ts';
import { DeferredSettler } from './deferred/deferred-settler.ts';
import { guardedEvents } from './guarded-events.ts';
import type { LearntStates } from './learnt-states.ts';
import { optimizerParts, type OptimizerParts } from './optimizer/optimizer-parts.ts';
import { RawHits } from './raw-hits.ts';
import { replyValidator } from './schema-validator.ts';
import { routingParts } from './routes/routing-parts.ts';
import { systemClock, systemRandom } from './system-ports.ts';

/** What an engine works with, made from its options. @internal */
export interface EngineParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly pricer: Pricer;
  /** Never throws. */
  readonly events: EventSink;
  readonly chain: ChainOptions;
  readonly spool: ChargeSpool;
  readonly limiter: CallLimiter;
  readonly learnt: LearntStates;
  readonly rawHits: RawHits | undefined;
  readonly settler: DeferredSettler;
}

/** What of ours may change an answer: the output limit that is sent for calls which have none, and what becomes of prompts. */
function policyFingerprint({ defaultMaxOutputTokens }: BudgetPolicy, optimised: string): string {
  const limit = defaultMaxOutputTokens === undefined ? 'none' : `max-output:${defaultMaxOutputTokens}`;
  return optimised === '' ? limit : `${limit} ${optimised}`;
}

/** Makes the parts. @internal */
export function engineParts(options: EngineOptions): EngineParts {
  const { clock = systemClock, random = systemRandom } = options;
  const events = guardedEvents(options.events);
  const pricer = bookPricer(
    options.priceBook,
    new Map(options.providers.map((entry) => [entry.provider.name, entry.vendor])),
  );
  const spool = new ChargeSpool({ ledger: options.ledger, events });
  const limiter = new CallLimiter({
    store: options.limits?.store ?? new MemoryLimitStore(),
    projects: options.limits?.projects ?? new Map(),
    ownerId: options.ownerId,
    clock,
    random,
    events,
  });
  const ports = { clock, random, events, pricer };
  const optimizer = optimizerParts({
    ...ports,
    optimizer: options.optimizer,
    states: options.states,
    memory: memoryOf(options),
  });
  const cache = options.cache && cacheParts(options, options.cache, optimizer.fingerprint, ports);
  const chain = chainOptions(options, { ...ports, spool, limiter, optimizer, cache });
  return {
    ...ports,
    spool,
    limiter,
    learnt: optimizer.learnt,
    rawHits: rawHitsOf(cache, memoryOf(options)),
    chain,
    settler: deferredSettler(options, chain, ports),
  };
}

interface ChainParts extends Pick<EngineParts, 'clock' | 'random' | 'events' | 'pricer' | 'spool' | 'limiter'> {
  readonly optimizer: OptimizerParts;
  readonly cache: CacheOptions | undefined;
}

function chainOptions(options: EngineOptions, parts: ChainParts): ChainOptions {
  const { clock, random, events, pricer, spool, limiter, optimizer, cache } = parts;
  const cascades = new CascadeBook();
  const { tokenizerOf } = memoryOf(options);
  return {
    requestLimits: options.requestLimits,
    table: {
      providers: new Map(options.providers.map((entry) => [entry.provider.name, routeProvider(entry)])),
      aliases: options.aliases ?? new Map(),
      vendorOfModel,
    },
    routing: routingParts(options.routes, {
      states: options.states,
      cascades,
      pricer,
      clock,
      random,
      events,
      tokenizerOf,
    }),
    cache,
    leases: leasesOf(options),
    limits: limiter,
    budget: {
      keeper: options.budgets?.keeper ?? noBudgets(options, clock, events),
      policy: { ...DEFAULT_BUDGET_POLICY, ...options.budgetPolicy },
      pricer,
      isCountProven: (target) => optimizer.calibrator.isProven(target),
      tokenizerOf,
    },
    defer: {
      vendorOf: (target) => pricer.vendorOf(target),
      write: (charge, onWritten) => spool.write(charge, onWritten),
      clock,
    },
    cascade: { ...callBounds(options), book: cascades, newValidator: replyValidator, pricer, clock, events },
    calibrator: optimizer.calibrator,
    optimise: optimizer.optimise,
    prefix: optimizer.prefix,
    charge: { ledger: options.ledger, spool, pricer, events, clock, ownerId: options.ownerId },
    resilience: { ...resilienceParts(options, pricer), warmOf: optimizer.warmOf, clock, random, events },
    dispatch: {
      providers: new Map(options.providers.map((entry) => [entry.provider.name, entry.provider])),
      timeouts: options.timeouts ?? DEFAULT_TIMEOUTS,
      vendorOf: (target) => pricer.vendorOf(target),
      maxReplyBytes: options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES,
      clock,
    },
  };
}

function deferredSettler(
  { ledger, reader, requestLimits }: EngineOptions,
  { cache, budget, dispatch }: ChainOptions,
  ports: Pick<EngineParts, 'clock' | 'events' | 'pricer'>,
): DeferredSettler {
  // Answers of a batch come by the hundred, and whoever settles them has them in memory already.
  const answers = cache && storeMiddleware(cache, new RecordingRoom(Number.POSITIVE_INFINITY));
  return new DeferredSettler({
    ...ports,
    ledger,
    reader,
    keeper: budget.keeper,
    providers: dispatch.providers,
    storing: cache && answers && { answers, embeddings: embeddingsMiddleware(cache) },
    requestLimits,
    maxReplyBytes: dispatch.maxReplyBytes,
  });
}

function resilienceParts(
  options: EngineOptions,
  pricer: Pricer,
): Omit<ChainOptions['resilience'], 'clock' | 'random' | 'events' | 'warmOf'> {
  const policy = { ...DEFAULT_RESILIENCE, ...options.resilience };
  const weights = new Map(options.providers.map(({ provider }) => [provider.name, provider.keyWeights ?? []]));
  return {
    policy,
    ...callBounds(options),
    book: new TargetBook({ policy, keyWeightsOf: (provider) => weights.get(provider) ?? [] }),
    learned: new LearnedRefusals(),
    contextWindowOf: (target) => pricer.limits(target).contextWindowTokens,
    vendorOf: (target) => pricer.vendorOf(target),
  };
}

/** How long a call may take, and how long its reply may be. */
function callBounds({
  timeouts,
  maxReplyBytes,
}: EngineOptions): Pick<ChainOptions['cascade'], 'totalMs' | 'maxReplyBytes'> {
  return {
    totalMs: (timeouts ?? DEFAULT_TIMEOUTS).totalMs,
    maxReplyBytes: maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES,
  };
}

/** A keeper of nothing: calls are charged, and no budget counts them. */
function noBudgets({ ownerId }: EngineOptions, clock: Clock, events: EventSink): BudgetKeeper {
  const ledger = {
    ownerId,
    leaseUntilMs: Number.POSITIVE_INFINITY,
    recover: () => Promise.resolve(0),
    beforeNewOwner: () => undefined,
  };
  return new BudgetKeeper({
    store: new MemoryBudgetStore({ clock }),
    ledger,
    clock,
    events,
    budgets: [],
    maxAccounts: 0,
  });
}

function routeProvider(entry: EngineOptions['providers'][number]): RouteProvider {
  return { name: entry.provider.name, protocol: entry.provider.protocol, vendor: entry.vendor };
}

function leasesOf({ cache, ownerId }: EngineOptions): ChainOptions['leases'] {
  if (cache?.leases === undefined) return undefined;
  const { store, leases } = cache;
  return {
    leaseStore: leases,
    ownerId,
    settled: async () => (isSettling(store) ? store.settled() : undefined),
    refresh: () => (isSnapshot(store) ? store.refresh() : undefined),
  };
}

function memoryOf({ memory = 'ample' }: EngineOptions): EngineMemory {
  return ENGINE_MEMORY[memory];
}

function rawHitsOf(cache: CacheOptions | undefined, { rawKeys }: EngineMemory): RawHits | undefined {
  if (cache === undefined || cache.policy.mode === 'off' || !isPeekable(cache.store) || rawKeys === 0) return undefined;
  return new RawHits({ ...cache, store: cache.store, maxKeys: rawKeys });
}

function isSettling(store: CacheStore): store is SettlingCacheStore {
  return 'settled' in store;
}

function isSnapshot(store: CacheStore): store is SnapshotCacheStore {
  return 'refresh' in store;
}

function isPeekable(store: CacheStore): store is PeekableCacheStore {
  return 'peek' in store;
}

function cacheParts(
  options: EngineOptions,
  cache: EngineCache,
  optimised: string,
  ports: Pick<CacheOptions, 'clock' | 'random' | 'events' | 'pricer'>,
): CacheOptions {
  const scope = cache.scope ?? 'project';
  const addresses = new Map(options.providers.map((entry) => [entry.provider.name, entry.identity]));
  return {
    ...ports,
    store: cache.store,
    policy: { mode: cache.mode, allowStored: cache.allowStored ?? false },
    ttlMs: cache.ttlMs,
    staleIfErrorMs: cache.staleIfErrorMs ?? 0,
    maxEntryBytes: cache.maxEntryBytes ?? DEFAULT_MAX_ENTRY_BYTES,
    scopeOf: (call: Call) => cacheScope(scope, scope === 'project' ? call.caller.project : call.caller.keyId),
    identityOf: (provider) => addresses.get(provider) ?? '',
    policyFingerprint: policyFingerprint({ ...DEFAULT_BUDGET_POLICY, ...options.budgetPolicy }, optimised),
    seen: new SeenCalls(memoryOf(options).seenKeys),
    sha256Hex: (data) => hash('sha256', data, 'hex'),
  };
}
