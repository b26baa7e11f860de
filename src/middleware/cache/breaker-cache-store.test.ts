import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CacheEntry } from '../../core/model/cache-entry.ts';
import type { CacheStore, MeasuredCacheStore, PeekableCacheStore } from '../../ports/cache-store.ts';
import { MemoryCacheStore } from '../../stores/memory/memory-cache-store.ts';
import { RedisCacheStore } from '../../stores/redis/redis-cache-store.ts';
import { RedisConnection } from '../../stores/redis/redis-connection.ts';
import { CACHE_STORE_CASES, testCacheEntry, testCacheKey } from '../../testing/cache-store-conformance.ts';
import { hasRedis, RedisServer } from '../../../test/support/redis-server.ts';
import { breakerCacheStore } from './breaker-cache-store.ts';

const clock = { nowMs: () => 1000, monotonicMs: () => 1000 };
const lasting = testCacheEntry({ deleteAtMs: 1e9, staleAtMs: 1e9 });
const unavailable = { code: 'store-unavailable', retryable: true };

/** Answers as it is told to. */
class ScriptedStore implements CacheStore {
  reads = 0;
  mode: 'good' | 'failing' | 'hanging' = 'good';

  read(): Promise<CacheEntry | undefined> {
    this.reads += 1;
    if (this.mode === 'hanging') return new Promise(() => undefined);
    return this.mode === 'good' ? Promise.resolve(lasting) : Promise.reject(new Error('broken'));
  }

  async write(): Promise<void> {
    await this.read();
  }

  async remove(): Promise<boolean> {
    return (await this.read()) !== undefined;
  }

  async removeMatching(): Promise<number> {
    await this.read();
    return 1;
  }

  async close(): Promise<void> {
    this.mode = 'failing';
  }
}

describe('with time in hand', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('an operation that hangs ends in time', async () => {
    const store = new ScriptedStore();
    store.mode = 'hanging';
    const guarded = breakerCacheStore(store);
    const reading = expect(guarded.read(testCacheKey(1))).rejects.toMatchObject(unavailable);
    await vi.advanceTimersByTimeAsync(250);
    await reading;
  });

  test.each(['failing', 'hanging'] as const)(
    'a store that is %s is left alone after five faults, and tried once after the pause',
    async (mode) => {
      const store = new ScriptedStore();
      const guarded = breakerCacheStore(store);
      store.mode = mode;
      const fault = async (): Promise<void> => {
        const reading = expect(guarded.read(testCacheKey(1))).rejects.toThrow();
        await vi.advanceTimersByTimeAsync(250);
        await reading;
      };
      for (let count = 0; count < 5; count += 1) await fault();
      expect(store.reads).toBe(5);
      await expect(guarded.read(testCacheKey(1))).rejects.toMatchObject(unavailable);
      await expect(guarded.write(testCacheKey(1), lasting)).rejects.toMatchObject(unavailable);
      expect(store.reads).toBe(5);

      await vi.advanceTimersByTimeAsync(5000);
      const probe = expect(guarded.read(testCacheKey(1))).rejects.toThrow();
      await expect(guarded.read(testCacheKey(1))).rejects.toMatchObject(unavailable);
      await vi.advanceTimersByTimeAsync(250);
      await probe;
      expect(store.reads).toBe(6);
      await expect(guarded.read(testCacheKey(1))).rejects.toMatchObject(unavailable);

      store.mode = 'good';
      await vi.advanceTimersByTimeAsync(5000);
      expect(await guarded.read(testCacheKey(1))).toBe(lasting);
      expect(await guarded.read(testCacheKey(1))).toBe(lasting);
      expect(store.reads).toBe(8);
    },
  );

  test('faults that are not in a row leave it in use', async () => {
    const store = new ScriptedStore();
    const guarded = breakerCacheStore(store);
    for (let count = 0; count < 20; count += 1) {
      store.mode = count % 5 === 4 ? 'good' : 'failing';
      await guarded.read(testCacheKey(1)).catch(() => undefined);
    }
    expect(store.reads).toBe(20);
  });

  test('a delete of many may take longer than a read', async () => {
    const store = new ScriptedStore();
    store.mode = 'hanging';
    let isOver = false;
    const removal = breakerCacheStore(store)
      .removeMatching({})
      .catch(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(29_000);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    await removal;
    expect(isOver).toBe(true);
  });
});

describe('around a store in memory', () => {
  test.each(CACHE_STORE_CASES)('$name', ({ run }) =>
    run({ open: async (own) => breakerCacheStore(new MemoryCacheStore({ clock: own, maxBytes: 1e8 })) }),
  );

  test('it has the abilities of the store, and no others', async () => {
    const guarded: PeekableCacheStore & MeasuredCacheStore = breakerCacheStore(
      new MemoryCacheStore({ clock, maxBytes: 1e8 }),
    );
    await guarded.write(testCacheKey(1), lasting);
    expect(guarded.peek(testCacheKey(1))).toEqual(lasting);
    expect(guarded.stats().entries).toBe(1);
    expect('peek' in breakerCacheStore(new ScriptedStore())).toBe(false);
    expect('stats' in breakerCacheStore(new ScriptedStore())).toBe(false);
  });
});

describe.skipIf(!hasRedis())('around a real Redis', () => {
  test('one that hangs costs the first calls the timeout at most, later ones nothing, and comes back', async () => {
    const server = await RedisServer.start();
    const connection = await RedisConnection.open({ url: server.url, timeoutMs: 200 });
    try {
      let reads = 0;
      const redis = new RedisCacheStore({ connection, clock });
      const counted: CacheStore = {
        read: (key) => ((reads += 1), redis.read(key)),
        write: (key, entry) => redis.write(key, entry),
        remove: (key) => redis.remove(key),
        removeMatching: (selector) => redis.removeMatching(selector),
        close: () => redis.close(),
      };
      const guarded = breakerCacheStore(counted, { timeoutMs: 300, pauseMs: 500 });
      await guarded.write(testCacheKey(1), lasting);
      expect((await guarded.read(testCacheKey(1)))?.target).toBe(lasting.target);

      server.freeze();
      const first = await Promise.allSettled(Array.from({ length: 20 }, () => guarded.read(testCacheKey(1))));
      expect(first.every(({ status }) => status === 'rejected')).toBe(true);
      const asked = reads;
      for (let count = 0; count < 1000; count += 1) {
        await expect(guarded.read(testCacheKey(1))).rejects.toMatchObject(unavailable);
      }
      // Of a thousand calls only those that try it again, twice a second, reach the store.
      expect(reads - asked).toBeLessThan(20);

      server.thaw();
      await expect
        .poll(async () => (await guarded.read(testCacheKey(1)).catch(() => undefined))?.target, { timeout: 15_000 })
        .toBe(lasting.target);
    } finally {
      server.thaw();
      await connection.close();
      await server.close();
    }
  });
});
