import { hash } from 'node:crypto';
import { cacheScope, type CacheScope, contentKey } from '../core/cache-key.ts';
import { FarthingError } from '../core/errors.ts';
import { entryTimes } from '../core/freshness.ts';
import type { Tags } from '../core/model/caller.ts';
import type { CacheEntry, CacheKey } from '../core/model/cache-entry.ts';
import { NO_USAGE } from '../core/model/usage.ts';
import { systemClock } from '../engine/system-ports.ts';
import type { CacheStore } from '../ports/cache-store.ts';
import type { Clock } from '../ports/clock.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { TieredCacheStore } from '../stores/tiered/tiered-cache-store.ts';
import { decodeValue, encodeValue } from './cached-value.ts';

/** How a {@link ResponseCache} is made. @public */
export interface ResponseCacheOptions {
  /**
   * Who shares the values: a tenant, a user, a version of the program. Caches of different scopes never see each other's values, also over one store.
   * There is no default, so that one tenant's answers cannot reach another by an oversight.
   */
  readonly scope: string;
  /** For how long a value may be served, in milliseconds, above 0. There is no unlimited value: a cache without an end serves wrong answers forever. */
  readonly ttlMs: number;
  /** What the memory tier may weigh, in bytes; a value above a quarter of it is kept in the tier below only. @defaultValue 64_000_000 */
  readonly maxBytes?: number;
  /** How many values the memory tier may hold. @defaultValue 100_000 */
  readonly maxEntries?: number;
  /** A second tier: SQLite, Redis ... It stays open: whoever opened it closes it. @defaultValue memory alone */
  readonly below?: CacheStore;
  /** Hears every fault of the second tier; a fault of a read is a miss, one of a write is a value not kept. Must not throw. @defaultValue none */
  readonly onFault?: (operation: string, error: unknown) => void;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock;
}

/** One value's own settings. @public */
export interface SetOptions {
  /** In milliseconds, above 0; a longer one than the cache's `ttlMs` is cut to it. @defaultValue the cache's `ttlMs` */
  readonly ttlMs?: number;
  /** Kept with the value, for a store's `removeMatching`. @defaultValue none */
  readonly tags?: Tags;
}

/** What a {@link ResponseCache} has done and holds. @public */
export interface ResponseCacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Faults of the second tier. */
  readonly faults: number;
  /** Values in the memory tier. */
  readonly entries: number;
  /** What the memory tier weighs, in bytes, its bookkeeping included. */
  readonly sizeBytes: number;
}

/**
 * Values under content keys, in memory over any {@link CacheStore}: for answers of calls that do not go through Farthing, and whatever else is dear
 * to make. The key is a JSON value (a prompt, a request body): equal content is one key, whatever the order of its properties. Values are JSON or bytes and
 * come back as copies.
 *
 * @typeParam Value - what is kept; a JSON value or a `Uint8Array`.
 * @example
 * ```ts
 * const cache = new ResponseCache<string>({ scope: 'tenant-7', ttlMs: 3_600_000, maxBytes: 10_000_000 });
 * await cache.set({ model: 'gpt-5.4-mini', prompt: 'Hello' }, 'Hello to you');
 * await cache.get({ prompt: 'Hello', model: 'gpt-5.4-mini' }); // 'Hello to you'
 * ```
 * @public
 */
export class ResponseCache<Value = unknown> {
  readonly #scope: CacheScope;
  readonly #options: ResponseCacheOptions;
  readonly #clock: Clock;
  readonly #memory: MemoryCacheStore;
  readonly #tiers: TieredCacheStore | undefined;
  #hits = 0;
  #misses = 0;

  /** @throws FarthingError `configuration` for an empty scope, or a time or bound that is not above 0. */
  constructor(options: ResponseCacheOptions) {
    const { maxBytes, maxEntries, below, clock = systemClock } = options;
    if (options.scope === '') throw new FarthingError('configuration', 'a ResponseCache needs a scope');
    demandPositive('ttlMs', options.ttlMs);
    if (maxBytes !== undefined) demandPositive('maxBytes', maxBytes);
    if (maxEntries !== undefined) demandPositive('maxEntries', maxEntries);
    this.#options = options;
    this.#scope = cacheScope('project', options.scope);
    this.#clock = clock;
    this.#memory = new MemoryCacheStore({
      clock,
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(maxEntries === undefined ? {} : { maxEntries }),
    });
    const onFault = options.onFault ?? (() => undefined);
    this.#tiers = below === undefined ? undefined : new TieredCacheStore({ memory: this.#memory, below, onFault });
  }

  /**
   * The value under a key, while it is fresh.
   * @throws TypeError when the key is no JSON (see {@link ResponseCache.set}).
   */
  async get(key: unknown): Promise<Value | undefined> {
    const entry = await this.#store().read(this.#key(key));
    if (entry === undefined || entry.endpoint !== 'value' || this.#clock.nowMs() >= entry.staleAtMs) {
      this.#misses += 1;
      return undefined;
    }
    this.#hits += 1;
    return decodeValue(entry.body) as Value;
  }

  /**
   * Keeps a value; resolves when memory has it. The second tier gets it behind, and its own `close` waits for that. A cache may forget: a value that is too
   * large is not kept and no error.
   * @throws TypeError when the key holds what JSON has no word for: NaN, a function, a bigint, a Date or another class's object.
   * @throws FarthingError `invalid-request` when the value is neither JSON nor bytes, or its `ttlMs` is not above 0.
   */
  async set(key: unknown, value: Value, options: SetOptions = {}): Promise<void> {
    if (options.ttlMs !== undefined && !(options.ttlMs > 0)) {
      throw new FarthingError('invalid-request', `ttlMs must be above 0: ${options.ttlMs}`);
    }
    await this.#store().write(this.#key(key), this.#entry(encodeValue(value), options));
  }

  /**
   * Removes a value from both tiers; false when it was not there.
   * @throws the second tier's error when it cannot delete: the value would come back.
   */
  delete(key: unknown): Promise<boolean> {
    return this.#store().remove(this.#key(key));
  }

  /** Counts since the cache was made, and what its memory tier holds now. */
  stats(): ResponseCacheStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      faults: this.#tiers?.faults ?? 0,
      ...this.#memory.stats(),
    };
  }

  #store(): CacheStore {
    return this.#tiers ?? this.#memory;
  }

  #key(key: unknown): CacheKey {
    return contentKey(this.#scope, key, (data) => hash('sha256', data, 'hex'));
  }

  #entry(body: Uint8Array, options: SetOptions): CacheEntry {
    const { ttlMs, scope } = this.#options;
    return {
      ...entryTimes(this.#clock.nowMs(), { ttlMs: Math.min(options.ttlMs ?? ttlMs, ttlMs), staleIfErrorMs: 0 }),
      endpoint: 'value',
      form: 'whole',
      body,
      project: scope,
      tags: options.tags ?? {},
      target: '',
      servedModel: undefined,
      usage: NO_USAGE,
      terms: {},
      costNanoUsd: undefined,
    };
  }
}

function demandPositive(name: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new FarthingError('configuration', `${name} of a ResponseCache must be a number above 0: ${value}`);
}
