import { createHash } from 'node:crypto';
import type { CacheEntry, CacheKey } from '../../core/model/cache-entry.ts';
import type { CacheSelector, CacheStore } from '../../ports/cache-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { decodeBlob, encodeBlob } from '../blob/cache-blob.ts';
import { CACHE_SCRIPTS } from './cache-scripts.ts';
import type { RedisConnection } from './redis-connection.ts';

/** Options of {@link RedisCacheStore}. @public */
export interface RedisCacheStoreOptions {
  readonly connection: RedisConnection;
  readonly clock: Clock;
}

/** Hex digits that name a shard: 256 of them, so that a cluster of any size shares the load. */
const SHARD_DIGITS = 2;

const SHARDS: readonly string[] = Array.from({ length: 16 ** SHARD_DIGITS }, (_, number) =>
  number.toString(16).padStart(SHARD_DIGITS, '0'),
);

/** Characters of a selector: 96 bits. */
const SELECTOR_CHARACTERS = 16;

/** Members of an index that one script looks at: bounds for how long Redis serves nobody else. */
const REMOVAL_STEP = 200;

/** Shards that a delete works on at the same time. */
const REMOVAL_WIDTH = 16;

/** A key and its companions. */
interface Place {
  readonly entry: string;
  readonly index: string;
  readonly ends: string;
  readonly rest: string;
}

/**
 * Answers on Redis, compressed, gone by Redis's own clock. Names of keys are hashes: nothing of prompts, projects or tags is in them. Deletes by project
 * and tag are exact, whatever the server evicts: set `maxmemory` and `allkeys-lfu` to bound it. A Redis with budgets on it must not evict, so give
 * it one of its own.
 * Closing the store does not close the connection, which others share.
 * @example
 * ```ts
 * const connection = await RedisConnection.open({ url: 'redis://127.0.0.1:6379' });
 * const store = new RedisCacheStore({ connection, clock });
 * ```
 * @public
 */
export class RedisCacheStore implements CacheStore {
  readonly #connection: RedisConnection;
  readonly #clock: Clock;

  constructor(options: RedisCacheStoreOptions) {
    this.#connection = options.connection;
    this.#clock = options.clock;
  }

  async read(key: CacheKey): Promise<CacheEntry | undefined> {
    const { entry, index } = this.#place(key);
    // One trip: both commands are sent together.
    const [[blob, writtenIn], mark] = await Promise.all([
      this.#connection.fields(entry, 'b', 't'),
      this.#connection.command('ZSCORE', index, ''),
    ]);
    // An entry whose index was evicted is none: a delete could not find it.
    if (!blob || writtenIn?.toString() !== String(mark)) return undefined;
    const found = await decodeBlob(blob);
    return found !== undefined && this.#clock.nowMs() < found.deleteAtMs ? found : undefined;
  }

  async write(key: CacheKey, entry: CacheEntry): Promise<void> {
    const lifeMs = Math.floor(entry.deleteAtMs - this.#clock.nowMs());
    if (lifeMs <= 0) {
      await this.remove(key);
      return;
    }
    const place = this.#place(key);
    const tags = Object.entries(entry.tags).map(([name, value]) => tagSelector(name, value));
    const selectors = [projectSelector(entry.project), ...tags].join('');
    await this.#connection.script(
      CACHE_SCRIPTS.write,
      [place.entry, place.index, place.ends],
      await encodeBlob(entry, { isCompressed: entry.endpoint !== 'sealed' }),
      lifeMs,
      place.rest,
      selectors,
    );
  }

  async remove(key: CacheKey): Promise<boolean> {
    const { entry, index, ends, rest } = this.#place(key);
    return (await this.#connection.script(CACHE_SCRIPTS.remove, [entry, index, ends], rest)) === 1;
  }

  async removeMatching({ project, tag }: CacheSelector): Promise<number> {
    const byProject = project === undefined ? undefined : projectSelector(project);
    const byTag = tag === undefined ? undefined : tagSelector(tag.name, tag.value);
    const selectors = [byTag, byProject].filter((selector) => selector !== undefined);
    let removed = 0;
    for (let start = 0; start < SHARDS.length; start += REMOVAL_WIDTH) {
      const shards = SHARDS.slice(start, start + REMOVAL_WIDTH);
      // oxlint-disable-next-line no-await-in-loop -- so that a delete does not hold up everybody else
      const counts = await Promise.all(shards.map((shard) => this.#removeIn(shard, selectors)));
      removed += counts.reduce((sum, count) => sum + count, 0);
    }
    return removed;
  }

  async close(): Promise<void> {
    // The connection belongs to whoever opened it.
  }

  async #removeIn(shard: string, [selector = '', further = '']: readonly string[]): Promise<number> {
    const { index, ends, prefix } = this.#shard(shard);
    let removed = 0;
    let after = '';
    do {
      // oxlint-disable-next-line no-await-in-loop -- each step goes on where the last one ended
      const answer = await this.#connection.script(
        CACHE_SCRIPTS.removeMatching,
        [index, ends],
        prefix,
        selector,
        further,
        REMOVAL_STEP,
        after,
      );
      const [count, last] = answer as readonly [unknown, unknown];
      removed += Number(count);
      after = String(last);
    } while (after !== '');
    return removed;
  }

  #place(key: CacheKey): Place {
    const { index, ends, prefix } = this.#shard(key.slice(0, SHARD_DIGITS));
    const rest = key.slice(SHARD_DIGITS);
    return { entry: `${prefix}${rest}`, index, ends, rest };
  }

  #shard(digits: string): { readonly index: string; readonly ends: string; readonly prefix: string } {
    const { keyPrefix } = this.#connection;
    return {
      prefix: `${keyPrefix}c:{${digits}}`,
      index: `${keyPrefix}ci:{${digits}}`,
      ends: `${keyPrefix}ce:{${digits}}`,
    };
  }
}

function projectSelector(project: string): string {
  return selectorOf(['project', project]);
}

function tagSelector(name: string, value: string): string {
  return selectorOf(['tag', name, value]);
}

function selectorOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, SELECTOR_CHARACTERS);
}
