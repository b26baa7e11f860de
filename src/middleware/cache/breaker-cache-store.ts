import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  handleAll,
  isBrokenCircuitError,
  isTaskCancelledError,
  timeout,
  TimeoutStrategy,
} from 'cockatiel';
import { FarthingError } from '../../core/errors.ts';
import type {
  CacheStore,
  ForgetfulCacheStore,
  MeasuredCacheStore,
  PeekableCacheStore,
  SettlingCacheStore,
  SnapshotCacheStore,
} from '../../ports/cache-store.ts';

/** Options of {@link breakerCacheStore}. @public */
export interface BreakerCacheOptions {
  /** How long a read, write or removal may take, in milliseconds: no call waits longer for its cache. @defaultValue 250 */
  readonly timeoutMs?: number;
  /** How long a delete by project or tag may take, in milliseconds: it goes through many entries, and no call waits for it. @defaultValue 30_000 */
  readonly removalTimeoutMs?: number;
  /** After so many faults in a row (a timeout is one) the store is left alone. @defaultValue 5 */
  readonly faultsToOpen?: number;
  /** For how long it is left alone before one operation tries it again, in milliseconds. @defaultValue 5000 */
  readonly pauseMs?: number;
}

/** What {@link BreakerCacheOptions} are when they are left out. @public */
export const BREAKER_CACHE_DEFAULTS: Required<BreakerCacheOptions> = {
  timeoutMs: 250,
  removalTimeoutMs: 30_000,
  faultsToOpen: 5,
  pauseMs: 5000,
};

type Abilities = Partial<
  Pick<PeekableCacheStore, 'peek'> &
    Pick<MeasuredCacheStore, 'stats'> &
    Pick<SettlingCacheStore, 'settled'> &
    Pick<SnapshotCacheStore, 'refresh'> &
    Pick<ForgetfulCacheStore, 'forget'>
>;

/**
 * Keeps a store that fails, or hangs, from slowing calls down: each operation ends in time, and after several faults in a row operations fail at
 * once, as `store-unavailable`, until one that is let through succeeds. Has the further abilities that the store has.
 * @public
 */
export function breakerCacheStore<Store extends CacheStore>(
  store: Store,
  options: BreakerCacheOptions = {},
): CacheStore & Pick<Store, keyof Store & keyof Abilities> {
  const settings = { ...BREAKER_CACHE_DEFAULTS, ...options };
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: settings.pauseMs,
    breaker: new ConsecutiveBreaker(settings.faultsToOpen),
  });
  const guarded = <T>(operate: () => Promise<T>, timeoutMs: number = settings.timeoutMs): Promise<T> =>
    guard(breaker, operate, timeoutMs);
  const base: CacheStore = {
    read: (key) => guarded(() => store.read(key)),
    write: (key, entry) => guarded(() => store.write(key, entry)),
    remove: (key) => guarded(() => store.remove(key)),
    removeMatching: (selector) => guarded(() => store.removeMatching(selector), settings.removalTimeoutMs),
    close: () => store.close(),
  };
  return { ...base, ...abilitiesOf(store) } as CacheStore & Pick<Store, keyof Store & keyof Abilities>;
}

async function guard<T>(breaker: CircuitBreakerPolicy, operate: () => Promise<T>, timeoutMs: number): Promise<T> {
  // Others would wait for the outcome of the one that tries.
  if (breaker.state === CircuitState.HalfOpen) throw unavailable('the cache is being tried again');
  try {
    // Nobody listens to its signal, and an abort makes an error with a stack, which costs more than the operation.
    const limit = timeout(timeoutMs, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false });
    return await breaker.execute(() => limit.execute(operate));
  } catch (error) {
    if (isBrokenCircuitError(error)) throw unavailable('the cache is left alone after several faults');
    if (isTaskCancelledError(error)) throw unavailable('the cache did not answer in time', error);
    throw error;
  }
}

function unavailable(message: string, cause?: unknown): FarthingError {
  return new FarthingError('store-unavailable', message, { retryable: true, cause });
}

/** Abilities that answer from this process's memory need no guard. */
function abilitiesOf(store: CacheStore & Abilities): Abilities {
  const { peek, stats, settled, refresh, forget } = store;
  return {
    ...(peek === undefined ? {} : { peek: (key) => peek.call(store, key) }),
    ...(stats === undefined ? {} : { stats: () => stats.call(store) }),
    ...(settled === undefined ? {} : { settled: () => settled.call(store) }),
    ...(refresh === undefined ? {} : { refresh: () => refresh.call(store) }),
    ...(forget === undefined ? {} : { forget: (target) => forget.call(store, target) }),
  };
}
