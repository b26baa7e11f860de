import type { CacheEntry, CacheKey } from '../core/model/cache-entry.ts';

/** Chooses entries to delete. All given conditions must hold; `{}` chooses everything. @public */
export interface CacheSelector {
  readonly project?: string;
  readonly tag?: { readonly name: string; readonly value: string };
}

/**
 * Where answers are kept. A store returns what it has, fresh or stale, and drops what is past `deleteAtMs`;
 * whether an entry may be served is decided by the caller. A fault is thrown, never turned into a miss.
 * @public
 */
export interface CacheStore {
  read(key: CacheKey): Promise<CacheEntry | undefined>;
  write(key: CacheKey, entry: CacheEntry): Promise<void>;
  /** Removes one entry; false when it was not there. */
  remove(key: CacheKey): Promise<boolean>;
  /** Removes what the selector chooses and says how many. */
  removeMatching(selector: CacheSelector): Promise<number>;
  close(): Promise<void>;
}

/** A store that can answer without waiting: the tier in this process's memory. @public */
export interface PeekableCacheStore extends CacheStore {
  peek(key: CacheKey): CacheEntry | undefined;
}

/** A store whose writes reach other processes later than they resolve. @public */
export interface SettlingCacheStore extends CacheStore {
  /** Resolves when everything written so far is where other processes find it, or has failed. */
  settled(): Promise<void>;
}

/** A store whose reads share a view of what is stored, which may be some milliseconds old. @public */
export interface SnapshotCacheStore extends CacheStore {
  /** Reads that begin from now on find everything that was stored before, by whichever process. */
  refresh(): void;
}

/** A store with a tier in this process's memory, where answers outlive a delete that another process made. @public */
export interface ForgetfulCacheStore extends CacheStore {
  /** Removes from memory only. */
  forget(target: CacheKey | CacheSelector): Promise<void>;
}

/** What a store holds now. @public */
export interface CacheStoreStats {
  readonly entries: number;
  readonly sizeBytes: number;
}

/** A store that can say what it holds. @public */
export interface MeasuredCacheStore extends CacheStore {
  stats(): CacheStoreStats;
}
