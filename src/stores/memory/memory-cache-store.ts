import { type CacheEntry, type CacheKey, entrySizeBytes } from '../../core/model/cache-entry.ts';
import type {
  CacheSelector,
  ForgetfulCacheStore,
  CacheStoreStats,
  MeasuredCacheStore,
  PeekableCacheStore,
} from '../../ports/cache-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { S3Fifo } from './s3-fifo.ts';

/** Options of {@link MemoryCacheStore}. @public */
export interface MemoryCacheStoreOptions {
  readonly clock: Clock;
  /** What all entries may weigh together (`entrySizeBytes`), in bytes. @defaultValue 64_000_000 (64 MB) */
  readonly maxBytes?: number;
  /** How many entries there may be. @defaultValue 100_000 */
  readonly maxEntries?: number;
  /** Largest part of `maxBytes` that one entry may take, 0..1; a larger one is not kept, so that it cannot empty the cache. @defaultValue 0.25 */
  readonly maxEntryRatio?: number;
}

/** The defaults of {@link MemoryCacheStoreOptions}. @public */
export const MEMORY_CACHE_DEFAULTS: Required<Omit<MemoryCacheStoreOptions, 'clock'>> = {
  maxBytes: 64_000_000,
  maxEntries: 100_000,
  maxEntryRatio: 0.25,
};

/**
 * Answers in this process's memory, bounded by bytes and entries, evicted by S3-FIFO.
 * An entry that is too large is not kept and not an error: a cache may forget.
 * @example
 * ```ts
 * const store = new MemoryCacheStore({ clock, maxBytes: 64_000_000 });
 * ```
 * @public
 */
export class MemoryCacheStore implements PeekableCacheStore, MeasuredCacheStore, ForgetfulCacheStore {
  readonly #clock: Clock;
  readonly #maxEntryBytes: number;
  readonly #entries: S3Fifo<CacheEntry>;
  /** Keys by project, so that deleting one project's entries looks at no other's. */
  readonly #byProject = new Map<string, Set<CacheKey>>();

  constructor(options: MemoryCacheStoreOptions) {
    const { maxBytes, maxEntries, maxEntryRatio } = { ...MEMORY_CACHE_DEFAULTS, ...options };
    if (!(maxBytes > 0 && maxEntries > 0 && maxEntryRatio > 0 && maxEntryRatio <= 1)) {
      throw new RangeError('a memory cache needs bounds above 0 and a ratio up to 1');
    }
    this.#clock = options.clock;
    this.#maxEntryBytes = maxBytes * maxEntryRatio;
    this.#entries = new S3Fifo({ maxBytes, maxEntries }, (key, entry) => this.#forget(key as CacheKey, entry));
  }

  /** The entry without waiting; one past `deleteAtMs` is dropped. */
  peek(key: CacheKey): CacheEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#clock.nowMs() < entry.deleteAtMs) return entry;
    this.#drop(key);
    return undefined;
  }

  read(key: CacheKey): Promise<CacheEntry | undefined> {
    return Promise.resolve(this.peek(key));
  }

  write(key: CacheKey, entry: CacheEntry): Promise<void> {
    const sizeBytes = entrySizeBytes(entry);
    if (sizeBytes > this.#maxEntryBytes || this.#clock.nowMs() >= entry.deleteAtMs) {
      // The old answer goes all the same: it was replaced.
      this.#drop(key);
      return Promise.resolve();
    }
    const keys = this.#byProject.get(entry.project);
    if (keys === undefined) this.#byProject.set(entry.project, new Set([key]));
    else keys.add(key);
    const replaced = this.#entries.set(key, entry, sizeBytes);
    if (replaced !== undefined && replaced.project !== entry.project) this.#forget(key, replaced);
    return Promise.resolve();
  }

  remove(key: CacheKey): Promise<boolean> {
    return Promise.resolve(this.#drop(key));
  }

  removeMatching(selector: CacheSelector): Promise<number> {
    let removed = 0;
    for (const key of this.#candidates(selector.project)) {
      const entry = this.#entries.get(key);
      const { tag } = selector;
      if (entry === undefined || (tag !== undefined && entry.tags[tag.name] !== tag.value)) continue;
      this.#drop(key);
      removed += 1;
    }
    return Promise.resolve(removed);
  }

  /** Removes, since there is no tier below. */
  async forget(target: CacheKey | CacheSelector): Promise<void> {
    if (typeof target === 'string') await this.remove(target);
    else await this.removeMatching(target);
  }

  stats(): CacheStoreStats {
    return { entries: this.#entries.size, sizeBytes: this.#entries.sizeBytes };
  }

  close(): Promise<void> {
    return this.removeMatching({}).then(() => undefined);
  }

  #candidates(project: string | undefined): readonly CacheKey[] {
    if (project !== undefined) return [...(this.#byProject.get(project) ?? [])];
    return [...this.#byProject.values()].flatMap((keys) => Array.from(keys));
  }

  #drop(key: CacheKey): boolean {
    const entry = this.#entries.delete(key);
    if (entry !== undefined) this.#forget(key, entry);
    return entry !== undefined;
  }

  #forget(key: CacheKey, entry: CacheEntry): void {
    const keys = this.#byProject.get(entry.project);
    keys?.delete(key);
    if (keys?.size === 0) this.#byProject.delete(entry.project);
  }
}
