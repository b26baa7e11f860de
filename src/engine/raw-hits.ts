import { hash } from 'node:crypto';
import { NO_CACHE_CONTROL, parseCacheControl } from '../core/cache-control.ts';
import { type CacheScope, rawKey, type RawKey } from '../core/cache-key.ts';
import { GenerationalMap } from '../core/generational-map.ts';
import { freshness } from '../core/freshness.ts';
import type { CacheKey } from '../core/model/cache-entry.ts';
import type { Tags } from '../core/model/caller.ts';
import { formatTarget } from '../core/model/target.ts';
import { bodyTags } from '../core/tags.ts';
import type { SeenCalls } from '../middleware/cache/seen-calls.ts';
import { prepareReplay, replayEntry } from '../middleware/cache/replay.ts';
import { type Call, decide, type RequestShape, type RoutePlan } from '../middleware/compose.ts';
import { tagsOf } from '../middleware/identify.ts';
import type { PeekableCacheStore } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Pricer } from '../ports/pricer.ts';

/** What {@link RawHits} needs. @internal */
export interface RawHitsOptions {
  readonly store: PeekableCacheStore;
  /** Raw keys that are remembered, with their plans. */
  readonly maxKeys: number;
  readonly scopeOf: (call: Call) => CacheScope;
  readonly seen: SeenCalls;
  readonly pricer: Pricer;
  readonly clock: Clock;
  readonly random: Random;
}

/** What decoding and routing made of bytes that came before. */
interface Remembered {
  readonly key: CacheKey;
  readonly shape: RequestShape;
  readonly plan: RoutePlan;
  readonly bodyTags: Tags;
}

/**
 * The first level of the cache: identical bytes under identical circumstances are answered from memory without being parsed.
 * Sound because decoding and routing depend on nothing but bytes, scope, key and the configuration this engine was made from.
 * @internal
 */
export class RawHits {
  readonly #options: RawHitsOptions;
  readonly #remembered: GenerationalMap<RawKey, Remembered>;

  constructor(options: RawHitsOptions) {
    this.#options = options;
    this.#remembered = new GenerationalMap(options.maxKeys);
  }

  keyOf(call: Call): RawKey {
    return rawKey(
      {
        scope: this.#options.scopeOf(call),
        endpoint: call.endpoint,
        headers: call.headers,
        policyVersion: JSON.stringify([
          call.caller.allowedModels && call.caller.keyId,
          call.pinnedProvider,
          call.query,
        ]),
        body: call.body,
      },
      sha256Hex,
    );
  }

  /** Answers the call when it can; false leaves it untouched. */
  serve(call: Call, rawKeyOfCall: RawKey): boolean {
    const known = this.#remembered.get(rawKeyOfCall);
    if (known === undefined) return false;
    const entry = this.#options.store.peek(known.key);
    if (entry === undefined) return false;
    const nowMs = this.#options.clock.nowMs();
    const header = call.headers['cache-control'];
    const control = header === undefined ? NO_CACHE_CONTROL : parseCacheControl(header);
    if (freshness(entry, nowMs, control) !== 'fresh') return false;
    const replay = prepareReplay(entry, known.shape, this.#options.random);
    if (replay === undefined) return false;
    const { state } = call;
    state.tags = tagsOf(call, known.bodyTags);
    state.shape = known.shape;
    state.plan = known.plan;
    state.key = known.key;
    decide(call, 'cache', 'hit', 'raw');
    const sinceSameBytesMs = this.#options.seen.sinceServed(known.key, entry, nowMs);
    replayEntry(call, entry, replay, { status: 'hit', pricer: this.#options.pricer, sinceSameBytesMs });
    return true;
  }

  /** Remembers what a call's bytes came to, when its answer is now in the cache. */
  remember(call: Call, rawKeyOfCall: RawKey): void {
    const { key, shape, plan, stored, served, request, answer } = call.state;
    if (plan?.isVolatile === true) return;
    if (key === undefined || plan === undefined || shape === undefined || request === undefined) return;
    if (!stored && served === undefined) return;
    // Another target answered: what stands under this key is not this answer.
    if (answer !== undefined && formatTarget(answer.target) !== formatTarget(plan.targets[0])) return;
    // Embeddings are put together item by item: no entry is the answer of a call.
    if (call.endpoint === 'embeddings') return;
    const { model, isStream, wantsUsageChunk } = shape;
    this.#remembered.set(rawKeyOfCall, {
      key,
      plan,
      shape: { model, isStream, wantsUsageChunk },
      bodyTags: bodyTags(request.body),
    });
  }
}

function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}
