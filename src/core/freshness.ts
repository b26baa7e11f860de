import type { RequestCacheControl } from './cache-control.ts';
import type { EntryTimes } from './model/cache-entry.ts';

/** What an entry is worth. `unfit`: the caller asked for a fresher one. @public */
export type Freshness = 'fresh' | 'stale' | 'expired' | 'unfit';

/** How long entries live. There is no unlimited value: a cache without an end serves wrong answers for ever. @public */
export interface EntryLifetime {
  /** How long an answer may be served without asking the provider, in milliseconds; 0 stores only for `staleIfErrorMs`. */
  readonly ttlMs: number;
  /** How much longer it may be served when the provider fails, in milliseconds; 0 is never. */
  readonly staleIfErrorMs: number;
}

/**
 * The times of an entry that is stored now.
 * @throws RangeError when a duration is not a finite number of at least 0.
 * @public
 */
export function entryTimes(nowMs: number, lifetime: EntryLifetime): EntryTimes {
  const staleAtMs = nowMs + durationMs(lifetime.ttlMs);
  return { storedAtMs: nowMs, staleAtMs, deleteAtMs: staleAtMs + durationMs(lifetime.staleIfErrorMs) };
}

/**
 * Decides what an entry is worth at a moment to a caller with these wishes. A stale one is served only where the operator allowed
 * `staleIfError` and the provider failed; `max-stale` can narrow that, never widen it.
 * @public
 */
export function freshness(entry: EntryTimes, nowMs: number, control: RequestCacheControl): Freshness {
  if (nowMs >= entry.deleteAtMs) return 'expired';
  if (control.noCache || control.noStore) return 'unfit';
  if (control.maxAgeMs !== undefined && ageMs(entry, nowMs) > control.maxAgeMs) return 'unfit';
  if (control.minFreshMs !== undefined && entry.staleAtMs - nowMs < control.minFreshMs) return 'unfit';
  if (nowMs < entry.staleAtMs) return 'fresh';
  return control.maxStaleMs !== undefined && nowMs - entry.staleAtMs > control.maxStaleMs ? 'unfit' : 'stale';
}

/** How old an entry is, in milliseconds; never negative, whatever another machine's clock said. @public */
export function ageMs(entry: EntryTimes, nowMs: number): number {
  return Math.max(0, nowMs - entry.storedAtMs);
}

function durationMs(value: number): number {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`not a duration in milliseconds: ${value}`);
  return value;
}
