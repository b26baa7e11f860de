import { describe, expect, test } from 'vitest';
import type { Clock } from '../../ports/clock.ts';
import { entrySizeBytes } from '../../core/model/cache-entry.ts';
import { CACHE_STORE_CASES, testCacheEntry, testCacheKey } from '../../testing/cache-store-conformance.ts';
import { MemoryCacheStore } from './memory-cache-store.ts';

const clock: Clock = { nowMs: () => 1000, monotonicMs: () => 1000 };

describe('conformance', () => {
  test.each(CACHE_STORE_CASES)('$name', async ({ run }) => {
    await expect(
      run({ open: (own) => Promise.resolve(new MemoryCacheStore({ clock: own, maxBytes: 4_000_000 })) }),
    ).resolves.toBeUndefined();
  });
});

test('what it holds never passes the byte bound nor the entry bound', async () => {
  const store = new MemoryCacheStore({ clock, maxBytes: 200_000, maxEntries: 50 });
  for (let number = 0; number < 2000; number += 1) {
    await store.write(testCacheKey(number % 300), testCacheEntry({ body: new Uint8Array((number * 7919) % 12_000) }));
    if (number % 3 === 0) await store.read(testCacheKey(number % 20));
    expect(store.stats().sizeBytes).toBeLessThanOrEqual(200_000);
    expect(store.stats().entries).toBeLessThanOrEqual(50);
  }
  expect(store.stats().entries).toBeGreaterThan(15);
});

test('an entry larger than its share is not kept, and the answer it replaces goes', async () => {
  const store = new MemoryCacheStore({ clock, maxBytes: 100_000 });
  await store.write(testCacheKey(1), testCacheEntry());
  await store.write(testCacheKey(1), testCacheEntry({ body: new Uint8Array(25_001) }));
  expect(store.peek(testCacheKey(1))).toBeUndefined();
  expect(store.stats()).toEqual({ entries: 0, sizeBytes: 0 });
});

test('an entry that is over already is not kept', async () => {
  const store = new MemoryCacheStore({ clock });
  await store.write(testCacheKey(1), testCacheEntry({ deleteAtMs: 1000 }));
  expect(store.stats().entries).toBe(0);
});

test('the weight is the sum of what is there, through replacing and removing', async () => {
  const store = new MemoryCacheStore({ clock });
  const large = testCacheEntry({ body: new Uint8Array(5000) });
  await store.write(testCacheKey(1), testCacheEntry());
  await store.write(testCacheKey(1), large);
  await store.write(testCacheKey(2), testCacheEntry());
  await store.remove(testCacheKey(2));
  expect(store.stats()).toEqual({ entries: 1, sizeBytes: entrySizeBytes(large) });
});

test('deleting a project after evictions counts only what is still there', async () => {
  const store = new MemoryCacheStore({ clock, maxEntries: 10 });
  for (let number = 0; number < 100; number += 1) await store.write(testCacheKey(number), testCacheEntry());
  expect(await store.removeMatching({ project: 'alpha' })).toBe(10);
  expect(store.stats()).toEqual({ entries: 0, sizeBytes: 0 });
});

test('bounds that hold nothing are refused when the store is made', () => {
  expect(() => new MemoryCacheStore({ clock, maxBytes: 0 })).toThrow(RangeError);
  expect(() => new MemoryCacheStore({ clock, maxEntries: Number.NaN })).toThrow(RangeError);
  expect(() => new MemoryCacheStore({ clock, maxEntryRatio: 2 })).toThrow(RangeError);
});
