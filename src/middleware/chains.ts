import type { RouteTable } from '../core/route/route-table.ts';
import type { RequestLimits } from '../wire/json-limits.ts';
import { budgetMiddleware, type BudgetOptions } from './budget/budget.ts';
import { answerCollapsed, answerFrom, cacheMiddleware } from './cache/cache.ts';
import type { CacheOptions } from './cache/cache-access.ts';
import { calibrateMiddleware } from './calibrate/calibrate.ts';
import type { TokenCalibrator } from './calibrate/token-calibrator.ts';
import type { CascadeOptions } from './cascade/cascade-options.ts';
import { cascadeMiddleware } from './cascade/cascade.ts';
import { chargeMiddleware, type ChargeOptions } from './charge/charge.ts';
import { coalesceMiddleware } from './coalesce/coalesce.ts';
import type { LeasedFlightsOptions } from './coalesce/leased-flights.ts';
import type { Middleware } from './compose.ts';
import { decodeMiddleware } from './decode.ts';
import { deferMiddleware, type DeferOptions } from './defer/defer.ts';
import { dispatchMiddleware, type DispatchOptions } from './dispatch/dispatch.ts';
import { embeddingsMiddleware } from './cache/embeddings.ts';
import { identifyMiddleware } from './identify.ts';
import type { CallLimiter } from './limits/call-limiter.ts';
import { limitsMiddleware } from './limits/limits.ts';
import { type OptimiseOptions, optimiseMiddleware } from './optimise/optimise.ts';
import { prefixMiddleware, type PrefixOptions } from './prefix/prefix.ts';
import { resilienceMiddleware } from './resilience/resilience.ts';
import type { ResilienceOptions } from './resilience/resilience-options.ts';
import { routeMiddleware } from './route/route.ts';
import type { RoutingOptions } from './route/routed-plan.ts';
import { storeMiddleware } from './cache/store.ts';

/** What the chains are made from. @internal */
export interface ChainOptions {
  readonly requestLimits: RequestLimits | undefined;
  readonly table: RouteTable;
  /** Undefined: calls go to the model that they ask for. */
  readonly routing: RoutingOptions | undefined;
  readonly cache: CacheOptions | undefined;
  /** Shares attempts with other processes. Undefined: within this one only. */
  readonly leases: Pick<LeasedFlightsOptions, 'leaseStore' | 'ownerId' | 'settled' | 'refresh'> | undefined;
  readonly limits: CallLimiter;
  readonly budget: BudgetOptions;
  readonly defer: Omit<DeferOptions, 'optimise'>;
  readonly cascade: CascadeOptions;
  readonly resilience: Omit<ResilienceOptions, 'answerFromCache'>;
  readonly calibrator: TokenCalibrator;
  /** Undefined: prompts stay as they are. */
  readonly optimise: OptimiseOptions | undefined;
  /** Undefined: nothing is said about the provider's prompt cache, and nothing noted. */
  readonly prefix: PrefixOptions | undefined;
  readonly charge: ChargeOptions;
  readonly dispatch: DispatchOptions;
}

/**
 * The two chains, outermost step first. The call chain runs once a call, the attempt chain once an attempt: its last step, resilience, sees to that.
 * The raw-bytes cache stands before both, in the engine: it answers without decoding.
 * @internal
 */
export function chains(options: ChainOptions): {
  readonly callChain: readonly Middleware[];
  readonly attemptChain: readonly Middleware[];
} {
  const { cache, charge, resilience } = options;
  const optimise = options.optimise && optimiseMiddleware(options.optimise);
  const caching = cache === undefined ? [] : cachingSteps(cache, options.leases);
  return {
    callChain: [
      decodeMiddleware(options.requestLimits),
      identifyMiddleware(),
      routeMiddleware({
        table: options.table,
        pricer: charge.pricer,
        observationOf: (target) => resilience.book.entry(target),
        warmOf: resilience.warmOf,
        routing: options.routing,
        clock: resilience.clock,
        random: resilience.random,
      }),
      ...caching,
      limitsMiddleware(options.limits),
      budgetMiddleware(options.budget),
      deferMiddleware({ ...options.defer, optimise }),
      cascadeMiddleware(options.cascade),
      resilienceMiddleware({
        ...resilience,
        answerFromCache: cache && ((call, target) => answerFrom(call, target, cache)),
      }),
    ],
    attemptChain: [
      ...(optimise === undefined ? [] : [optimise]),
      ...(options.prefix === undefined ? [] : [prefixMiddleware(options.prefix)]),
      calibrateMiddleware(options.calibrator),
      chargeMiddleware(charge),
      dispatchMiddleware(options.dispatch),
    ],
  };
}

function cachingSteps(cache: CacheOptions, leases: ChainOptions['leases']): readonly Middleware[] {
  return [
    cacheMiddleware(cache),
    coalesceMiddleware({
      bufferBytes: cache.maxEntryBytes,
      leases: leases && {
        ...leases,
        answer: (call, key) => answerCollapsed(call, key, cache),
        events: cache.events,
        clock: cache.clock,
      },
    }),
    embeddingsMiddleware(cache),
    storeMiddleware(cache),
  ];
}
