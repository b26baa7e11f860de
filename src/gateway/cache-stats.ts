import type { CacheStore, CacheStoreStats, MeasuredCacheStore } from '../ports/cache-store.ts';

/** What a cache holds; undefined when there is none or it cannot say. @internal */
export function statsOf(cache: CacheStore | undefined): CacheStoreStats | undefined {
  return cache !== undefined && isMeasured(cache) ? cache.stats() : undefined;
}

function isMeasured(cache: CacheStore): cache is MeasuredCacheStore {
  return 'stats' in cache && typeof cache.stats === 'function';
}
