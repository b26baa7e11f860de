import { GenerationalMap } from '../../core/generational-map.ts';
import type { CacheKey, EntryTimes } from '../../core/model/cache-entry.ts';

/** When the same question was last asked, whatever became of it. Bounded; what was not asked for long is forgotten. @internal */
export class SeenCalls {
  readonly #atMs: GenerationalMap<CacheKey, number>;

  constructor(maxKeys: number) {
    this.#atMs = new GenerationalMap(maxKeys);
  }

  /** Notes that a question is asked now and says when it was before. */
  note(key: CacheKey, nowMs: number): number | undefined {
    const before = this.#atMs.get(key);
    this.#atMs.set(key, nowMs);
    return before;
  }

  /** How long ago the bytes of an entry would last have reached the provider: when they were served before, else when they were stored. */
  sinceServed(key: CacheKey, entry: EntryTimes, nowMs: number): number {
    return Math.max(0, nowMs - (this.note(key, nowMs) ?? entry.storedAtMs));
  }
}
