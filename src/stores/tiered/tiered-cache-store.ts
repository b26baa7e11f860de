import type { CacheEntry, CacheKey } from '../../core/model/cache-entry.ts';
import type {
  CacheSelector,
  CacheStore,
  ForgetfulCacheStore,
  PeekableCacheStore,
  SettlingCacheStore,
  SnapshotCacheStore,
} from '../../ports/cache-store.ts';

/** What was asked of the lower tier when it failed. @public */
export type TieredOperation = 'read' | 'write' | 'remove' | 'removeMatching' | 'close';

/** Options of {@link TieredCacheStore}. @public */
export interface TieredCacheStoreOptions {
  /** Asked first. */
  readonly memory: PeekableCacheStore;
  /** Asked when memory does not have it; what it has is kept in memory too. */
  readonly below: CacheStore & Partial<Pick<SnapshotCacheStore, 'refresh'>>;
  /** Hears every fault of the lower tier. Must not throw. */
  readonly onFault: (operation: TieredOperation, error: unknown) => void;
}

/**
 * Memory over another store. A fault of the lower tier never costs a call: it is reported, counted, and the memory tier goes on. Only deletes fail
 * with it, because an answer that somebody wanted gone would come back.
 * @public
 */
export class TieredCacheStore
  implements PeekableCacheStore, SettlingCacheStore, SnapshotCacheStore, ForgetfulCacheStore
{
  readonly #memory: PeekableCacheStore;
  readonly #below: TieredCacheStoreOptions['below'];
  readonly #onFault: (operation: TieredOperation, error: unknown) => void;
  /** Writes to the lower tier that are under way. */
  readonly #behind = new Set<Promise<void>>();
  #faults = 0;
  /** Raised by every write and delete, so that a read under way does not put back what they replaced. */
  #generation = 0;

  constructor(options: TieredCacheStoreOptions) {
    this.#memory = options.memory;
    this.#below = options.below;
    this.#onFault = options.onFault;
  }

  /** Faults of the lower tier so far. */
  get faults(): number {
    return this.#faults;
  }

  /** What memory has; the lower tier is not asked. */
  peek(key: CacheKey): CacheEntry | undefined {
    return this.#memory.peek(key);
  }

  async read(key: CacheKey): Promise<CacheEntry | undefined> {
    const near = this.#memory.peek(key);
    if (near !== undefined) return near;
    const generation = this.#generation;
    try {
      const far = await this.#below.read(key);
      if (far !== undefined && generation === this.#generation) await this.#memory.write(key, far);
      return far;
    } catch (error) {
      this.#report('read', error);
      return undefined;
    }
  }

  /** Resolves once memory has it: nobody should wait for the lower tier, whose faults are reported. */
  async write(key: CacheKey, entry: CacheEntry): Promise<void> {
    this.#generation += 1;
    await this.#memory.write(key, entry);
    const behind = this.#below.write(key, entry).catch((error: unknown) => this.#report('write', error));
    this.#behind.add(behind);
    void behind.finally(() => this.#behind.delete(behind));
  }

  async remove(key: CacheKey): Promise<boolean> {
    this.#generation += 1;
    const near = await this.#memory.remove(key);
    try {
      const far = await this.#below.remove(key);
      return near || far;
    } catch (error) {
      this.#report('remove', error);
      throw error;
    }
  }

  /** The count is the larger of both tiers': the lower one normally has everything that memory has. */
  async removeMatching(selector: CacheSelector): Promise<number> {
    this.#generation += 1;
    const near = await this.#memory.removeMatching(selector);
    try {
      return Math.max(near, await this.#below.removeMatching(selector));
    } catch (error) {
      this.#report('removeMatching', error);
      throw error;
    }
  }

  /** What this process is still writing to the lower tier is deleted there, too: it would come back after the delete of the other process. */
  async forget(target: CacheKey | CacheSelector): Promise<void> {
    this.#generation += 1;
    const isWriting = this.#behind.size > 0;
    await removeFrom(this.#memory, target);
    if (!isWriting) return;
    await this.settled();
    try {
      await removeFrom(this.#below, target);
    } catch (error) {
      this.#report(typeof target === 'string' ? 'remove' : 'removeMatching', error);
      throw error;
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#behind);
  }

  /** What memory has was stored by this process, or read below: it need not be looked at again. */
  refresh(): void {
    this.#below.refresh?.();
  }

  async close(): Promise<void> {
    await this.#memory.close();
    await Promise.all(this.#behind);
    try {
      await this.#below.close();
    } catch (error) {
      this.#report('close', error);
    }
  }

  #report(operation: TieredOperation, error: unknown): void {
    this.#faults += 1;
    this.#onFault(operation, error);
  }
}

async function removeFrom(store: CacheStore, target: CacheKey | CacheSelector): Promise<void> {
  if (typeof target === 'string') await store.remove(target);
  else await store.removeMatching(target);
}
