import { formatCacheStatus } from '../core/cache-status.ts';
import type { CallState } from '../middleware/compose.ts';

/** The `Cache-Status` of a call as far as it is known when its head is sent. @internal */
export function cacheStatusOf(state: CallState, nowMs: number): string {
  const { key, served } = state;
  const ttlMs = served === undefined ? 0 : served.staleAtMs - nowMs;
  switch (state.cacheStatus) {
    case 'hit':
      return formatCacheStatus({ kind: 'hit', ttlMs, key });
    case 'stale':
      return formatCacheStatus({ kind: 'stale-hit', ttlMs, key });
    case 'collapsed':
      return formatCacheStatus({
        kind: 'forward',
        reason: 'miss',
        collapsed: true,
        ...(key === undefined ? {} : { key }),
      });
    case 'miss':
      return formatCacheStatus({
        kind: 'forward',
        reason: state.cacheReason,
        ...(key === undefined ? {} : { key }),
        ...(state.cacheDetail === undefined ? {} : { detail: state.cacheDetail }),
      });
    case 'bypass':
    case 'off':
      return formatCacheStatus({ kind: 'forward', reason: 'bypass', detail: state.cacheDetail ?? state.cacheStatus });
  }
}
