import type { RequestCacheControl } from '../../core/cache-control.ts';
import type { CachePolicy } from '../../core/cacheability.ts';
import { cacheKey, type CacheScope, type Sha256Hex } from '../../core/cache-key.ts';
import { vectorEncodingOf } from '../../core/embedding-items.ts';
import { FarthingError } from '../../core/errors.ts';
import type { CacheEntry, CacheKey } from '../../core/model/cache-entry.ts';
import type { Target } from '../../core/model/target.ts';
import type { CacheStore } from '../../ports/cache-store.ts';
import { freshness } from '../../core/freshness.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { Call } from '../compose.ts';
import type { SeenCalls } from './seen-calls.ts';

/** What the caching steps need. @internal */
export interface CacheOptions {
  readonly store: CacheStore;
  readonly policy: CachePolicy;
  readonly ttlMs: number;
  readonly staleIfErrorMs: number;
  readonly maxEntryBytes: number;
  readonly scopeOf: (call: Call) => CacheScope;
  /** The address behind a provider's name. */
  readonly identityOf: (provider: string) => string;
  /** Names the policies that may change an answer. */
  readonly policyFingerprint: string;
  readonly seen: SeenCalls;
  readonly pricer: Pricer;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly sha256Hex: Sha256Hex;
}

/**
 * The key of an embeddings call as a whole, under which it is shared while in flight. Nothing is stored under it: items have keys of
 * their own, which it must never be, and it differs by encoding, since a reply in flight is not converted.
 * @internal
 */
export function embeddingsCallKey(
  call: Call,
  body: Readonly<Record<string, unknown>>,
  options: CacheOptions,
): CacheKey {
  return callKey(call, { ...body, 'farthing whole call': vectorEncodingOf(body) }, options);
}

/**
 * The key of a call with this body.
 * @param target - whose answer it is. @defaultValue the first target of the call's plan
 * @internal
 */
export function callKey(
  call: Call,
  body: Readonly<Record<string, unknown>>,
  options: CacheOptions,
  target: Target = call.state.plan?.targets[0] ?? { provider: '', model: '' },
): CacheKey {
  return cacheKey(
    {
      scope: options.scopeOf(call),
      endpoint: call.endpoint,
      target,
      providerIdentity: `${options.identityOf(target.provider)}?${call.query}`,
      policyFingerprint: policyFingerprintOf(call, options),
      headers: call.headers,
      body,
      rawBody: call.body,
    },
    options.sha256Hex,
  );
}

/** Answers of a cascade are its own, whichever target gave them: a later version of the route may let others pass. */
function policyFingerprintOf({ state }: Call, { policyFingerprint }: CacheOptions): string {
  const cascade = state.plan?.cascade;
  return cascade === undefined ? policyFingerprint : `${policyFingerprint} cascade:${cascade.name}`;
}

/** Reads an entry; a fault of the store, or an entry that others encrypted, is reported and taken for a miss. @internal */
export async function readEntry(key: CacheKey, options: CacheOptions): Promise<CacheEntry | undefined> {
  try {
    const entry = await options.store.read(key);
    if (entry?.endpoint !== 'sealed') return entry;
    const error = new FarthingError('store-unavailable', 'a cached answer is encrypted, and there is no key for it');
    options.events.emit({ kind: 'store-failed', store: 'cache', operation: 'open', error });
  } catch (error) {
    options.events.emit({ kind: 'store-failed', store: 'cache', operation: 'read', error });
  }
  return undefined;
}

/** Reads an entry that may be served to a call with this `cache-control`. @internal */
export async function readFresh(
  key: CacheKey,
  control: RequestCacheControl,
  options: CacheOptions,
): Promise<CacheEntry | undefined> {
  const entry = await readEntry(key, options);
  return entry !== undefined && freshness(entry, options.clock.nowMs(), control) === 'fresh' ? entry : undefined;
}

/**
 * The key under which the answer of a call is stored: that of the target that gave it.
 * @param key - that of the call's first target.
 * @internal
 */
export function keyOfAnswer(
  call: Call,
  key: CacheKey,
  body: Readonly<Record<string, unknown>>,
  options: CacheOptions,
): CacheKey {
  const { answer, plan } = call.state;
  if (answer === undefined || answer.target === plan?.targets[0] || plan?.cascade !== undefined) return key;
  return callKey(call, body, options, answer.target);
}

/** Writes an entry and says whether it is there; a fault of the store is reported. @internal */
export async function writeEntry(key: CacheKey, entry: CacheEntry, options: CacheOptions): Promise<boolean> {
  try {
    await options.store.write(key, entry);
    return true;
  } catch (error) {
    options.events.emit({ kind: 'store-failed', store: 'cache', operation: 'write', error });
    return false;
  }
}

/** The refusal of a call that wanted nothing but the cache (RFC 9111, 5.2.1.7). @internal */
export function notCached(): FarthingError {
  return new FarthingError('only-if-cached', 'the answer is not in the cache, and only-if-cached was asked for');
}
