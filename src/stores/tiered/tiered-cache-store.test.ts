import { describe, expect, test } from 'vitest';
import type { CacheStore } from '../../ports/cache-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { CACHE_STORE_CASES, testCacheEntry, testCacheKey } from '../../testing/cache-store-conformance.ts';
import { MemoryCacheStore } from '../memory/memory-cache-store.ts';
import { TieredCacheStore } from './tiered-cache-store.ts';

const clock: Clock = { nowMs: () => 1000, monotonicMs: () => 1000 };
const entry = testCacheEntry();

function tiersOver(below: CacheStore) {
  const memory = new MemoryCacheStore({ clock });
  const faults: string[] = [];
  const tiered = new TieredCacheStore({ memory, below, onFault: (operation) => faults.push(operation) });
  return { memory, tiered, faults };
}

const broken: CacheStore = {
  read: () => Promise.reject(new Error('disk')),
  write: () => Promise.reject(new Error('disk')),
  remove: () => Promise.reject(new Error('disk')),
  removeMatching: () => Promise.reject(new Error('disk')),
  close: () => Promise.reject(new Error('disk')),
};

describe('conformance', () => {
  test.each(CACHE_STORE_CASES)('$name', async ({ run }) => {
    const open = (own: Clock): Promise<CacheStore> =>
      Promise.resolve(
        new TieredCacheStore({
          memory: new MemoryCacheStore({ clock: own, maxEntries: 3 }),
          below: new MemoryCacheStore({ clock: own }),
          onFault: (_, error) => expect.fail(String(error)),
        }),
      );
    await expect(run({ open })).resolves.toBeUndefined();
  });
});

test('what the lower tier has is kept in memory by the read that finds it', async () => {
  const below = new MemoryCacheStore({ clock });
  await below.write(testCacheKey(1), entry);
  const { tiered, memory } = tiersOver(below);
  expect(tiered.peek(testCacheKey(1))).toBeUndefined();
  expect(await tiered.read(testCacheKey(1))).toEqual(entry);
  expect(memory.peek(testCacheKey(1))).toEqual(entry);
});

test('memory goes on when the lower tier fails, and each fault is reported and counted', async () => {
  const { tiered, faults } = tiersOver(broken);
  await tiered.write(testCacheKey(1), entry);
  expect(await tiered.read(testCacheKey(1))).toEqual(entry);
  expect(await tiered.read(testCacheKey(2))).toBeUndefined();
  expect(faults).toEqual(['write', 'read']);
  expect(tiered.faults).toBe(2);
  await tiered.close();
  expect(faults).toEqual(['write', 'read', 'close']);
});

test('a delete that the lower tier did not do is a failure, not a success', async () => {
  const { tiered, memory, faults } = tiersOver(broken);
  await memory.write(testCacheKey(1), entry);
  await expect(tiered.remove(testCacheKey(1))).rejects.toThrow('disk');
  await expect(tiered.removeMatching({})).rejects.toThrow('disk');
  expect(memory.peek(testCacheKey(1))).toBeUndefined();
  expect(faults).toEqual(['remove', 'removeMatching']);
});

test('a read under way does not bring back what is deleted meanwhile', async () => {
  let answer: (found: typeof entry) => void = () => undefined;
  const slow = new Promise<typeof entry>((resolve) => (answer = resolve));
  const below: CacheStore = { ...broken, read: () => slow, remove: () => Promise.resolve(true) };
  const { tiered, memory } = tiersOver(below);
  const reading = tiered.read(testCacheKey(1));
  await tiered.remove(testCacheKey(1));
  answer(entry);
  await reading;
  expect(memory.peek(testCacheKey(1))).toBeUndefined();
});

test('what is forgotten leaves memory alone: the lower tier is where the other process deleted it', async () => {
  const below = new MemoryCacheStore({ clock });
  const { tiered, memory } = tiersOver(below);
  await tiered.write(testCacheKey(1), entry);
  await tiered.write(testCacheKey(2), entry);
  await tiered.settled();
  await tiered.forget(testCacheKey(1));
  expect([memory.peek(testCacheKey(1)), memory.peek(testCacheKey(2))]).toEqual([undefined, entry]);
  await tiered.forget({});
  expect(memory.peek(testCacheKey(2))).toBeUndefined();
  expect(await below.read(testCacheKey(1))).toEqual(entry);
});

test('what is forgotten while it is written below does not come back from there', async () => {
  let write: () => void = () => undefined;
  const written = new Promise<void>((resolve) => (write = resolve));
  const stored = new MemoryCacheStore({ clock });
  const below: CacheStore = {
    read: (key) => stored.read(key),
    write: (key, value) => written.then(() => stored.write(key, value)),
    remove: (key) => stored.remove(key),
    removeMatching: (selector) => stored.removeMatching(selector),
    close: () => stored.close(),
  };
  const { tiered } = tiersOver(below);
  await tiered.write(testCacheKey(1), entry);
  const forgotten = tiered.forget({ project: entry.project });
  write();
  await forgotten;
  expect(await tiered.read(testCacheKey(1))).toBeUndefined();
});
