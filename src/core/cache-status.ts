import type { CacheKey } from './model/cache-entry.ts';

/** What the cache did with a call, in the words of RFC 9211. @public */
export type CacheStatusFacts =
  | { readonly kind: 'hit'; readonly ttlMs: number; readonly key: CacheKey | undefined }
  | {
      readonly kind: 'forward';
      /**
       * `bypass`: not looked up. `miss`: nothing there. `stale`: what was there is too old. `request`: the caller wanted a fresh one.
       * `partial`: some items of an embeddings call were there.
       */
      readonly reason: 'bypass' | 'miss' | 'stale' | 'request' | 'partial';
      /** Status of the provider's answer, where one came. */
      readonly forwardStatus?: number;
      readonly stored?: boolean;
      /** The call shared an identical one in flight. */
      readonly collapsed?: boolean;
      /** A reason code in kebab-case. */
      readonly detail?: string;
      readonly key?: CacheKey;
    }
  /** A stale entry was served because the provider failed. */
  | { readonly kind: 'stale-hit'; readonly ttlMs: number; readonly key: CacheKey | undefined };

/** Digits of the key that are shown: enough to tell entries apart, too few to be one. */
const SHOWN_KEY_LENGTH = 16;

/**
 * Writes `Cache-Status` (RFC 9211): `Farthing; hit; ttl=3540; key="ab12..."`, `Farthing; fwd=miss; stored`,
 * `Farthing; fwd=bypass; detail=sampling`. A stale answer is a hit with a negative `ttl` (RFC 9211, 2.4) and `detail=stale-if-error`.
 * @public
 */
export function formatCacheStatus(facts: CacheStatusFacts): string {
  if (facts.kind === 'hit') return `Farthing; hit; ttl=${seconds(facts.ttlMs)}${keyOf(facts.key)}`;
  if (facts.kind === 'stale-hit') {
    return `Farthing; hit; ttl=${seconds(facts.ttlMs)}${keyOf(facts.key)}; detail=stale-if-error`;
  }
  let text = `Farthing; fwd=${facts.reason}`;
  if (facts.forwardStatus !== undefined) text += `; fwd-status=${facts.forwardStatus}`;
  if (facts.stored === true) text += '; stored';
  if (facts.collapsed === true) text += '; collapsed';
  text += keyOf(facts.key);
  return facts.detail === undefined ? text : `${text}; detail=${facts.detail}`;
}

function seconds(durationMs: number): number {
  return Math.floor(durationMs / 1000);
}

function keyOf(key: CacheKey | undefined): string {
  return key === undefined ? '' : `; key="${key.slice(0, SHOWN_KEY_LENGTH)}"`;
}
