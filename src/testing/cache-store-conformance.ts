import assert from 'node:assert/strict';
import type { CacheEntry, CacheKey } from '../core/model/cache-entry.ts';
import { usageOf } from '../core/model/usage.ts';
import { nanoUsd } from '../core/money.ts';
import type { CacheStore } from '../ports/cache-store.ts';
import type { Clock } from '../ports/clock.ts';

/** One rule that a store keeps. `run` throws when it is broken. @public */
export interface CacheStoreCase {
  readonly name: string;
  readonly run: (harness: CacheStoreHarness) => Promise<void>;
}

/** What the cases need: an empty store that reads the time from `clock`, closed after each case. @public */
export interface CacheStoreHarness {
  open(clock: Clock): Promise<CacheStore>;
}

/** A key for tests: 64 hex digits made from a number. @public */
export function testCacheKey(number: number): CacheKey {
  return number.toString(16).padStart(64, '0') as CacheKey;
}

/** An entry for tests, stored at 1,000 ms, stale at 2,000, gone at 3,000. @public */
export function testCacheEntry(changes: Partial<CacheEntry> = {}): CacheEntry {
  return {
    endpoint: 'chat',
    form: 'stream',
    body: new TextEncoder().encode('data: {"id":"chatcmpl-1"}\n\ndata: [DONE]\n\n'),
    project: 'alpha',
    tags: { user: 'alice', feature: 'search' },
    target: 'openai/gpt-5.4-mini',
    servedModel: 'gpt-5.4-mini-2026-03-17',
    usage: usageOf({ input: 12, output: 34, reasoning: 5 }),
    terms: { serviceTier: 'flex' },
    costNanoUsd: nanoUsd(123_456),
    storedAtMs: 1000,
    staleAtMs: 2000,
    deleteAtMs: 3000,
    ...changes,
  };
}

/** What every {@link CacheStore} must do. Run each case against a store of its own. @public */
export const CACHE_STORE_CASES: readonly CacheStoreCase[] = [
  rule('a key that was never written is not there', async (store) => {
    assert.equal(await store.read(testCacheKey(1)), undefined);
    assert.equal(await store.remove(testCacheKey(1)), false);
  }),
  rule('an entry comes back with every field as it was written', async (store) => {
    const full = testCacheEntry();
    const sparse = testCacheEntry({
      form: 'whole',
      servedModel: undefined,
      costNanoUsd: undefined,
      terms: {},
      tags: {},
    });
    await store.write(testCacheKey(1), full);
    await store.write(testCacheKey(2), sparse);
    assert.deepEqual(plain(await store.read(testCacheKey(1))), full);
    assert.deepEqual(plain(await store.read(testCacheKey(2))), sparse);
  }),
  rule('a body may hold any bytes, also none and many', async (store) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const large = new Uint8Array(300_000).fill(7);
    const bodies = [bytes, new Uint8Array(0), large];
    await Promise.all(bodies.map((body, number) => store.write(testCacheKey(number), testCacheEntry({ body }))));
    const found = await Promise.all(bodies.map((_, number) => store.read(testCacheKey(number))));
    assert.deepEqual(
      found.map((entry) => plain(entry)?.body),
      bodies,
    );
  }),
  rule('names are kept whatever characters they hold', async (store) => {
    const odd = { "it's": 'a"b\\c', 'ключ $.x': '%_\u0000', __proto__x: '日本' };
    await store.write(testCacheKey(1), testCacheEntry({ project: "o'neil\n", tags: odd }));
    assert.deepEqual(plain(await store.read(testCacheKey(1)))?.tags, odd);
    assert.equal(await store.removeMatching({ tag: { name: 'ключ $.x', value: 'other' } }), 0);
    assert.equal(await store.removeMatching({ project: "o'neil\n", tag: { name: "it's", value: 'a"b\\c' } }), 1);
  }),
  rule('a second write replaces the first', async (store) => {
    await store.write(testCacheKey(1), testCacheEntry({ project: 'alpha' }));
    const second = testCacheEntry({ project: 'beta', body: new Uint8Array([1]), target: 'backup/other' });
    await store.write(testCacheKey(1), second);
    assert.deepEqual(plain(await store.read(testCacheKey(1))), second);
    assert.equal(await store.removeMatching({ project: 'alpha' }), 0);
    assert.equal(await store.removeMatching({ project: 'beta' }), 1);
  }),
  rule('an entry that is removed is gone, once', async (store) => {
    await store.write(testCacheKey(1), testCacheEntry());
    assert.equal(await store.remove(testCacheKey(1)), true);
    assert.equal(await store.read(testCacheKey(1)), undefined);
    assert.equal(await store.remove(testCacheKey(1)), false);
  }),
  rule('a stale entry is given, one past its end is not', async (store, clock) => {
    await store.write(testCacheKey(1), testCacheEntry());
    clock.set(2999);
    assert.notEqual(await store.read(testCacheKey(1)), undefined);
    clock.set(3000);
    assert.equal(await store.read(testCacheKey(1)), undefined);
  }),
  rule('deleting by project, by tag and by both chooses exactly those', async (store) => {
    await fillFour(store);
    assert.equal(await store.removeMatching({ project: 'alpha', tag: { name: 'user', value: 'alice' } }), 1);
    assert.deepEqual(await present(store, 4), [1, 2, 3]);
    assert.equal(await store.removeMatching({ tag: { name: 'user', value: 'bob' } }), 2);
    assert.deepEqual(await present(store, 4), [2]);
    assert.equal(await store.removeMatching({ project: 'beta' }), 1);
    assert.equal(await store.removeMatching({ project: 'beta' }), 0);
  }),
  rule('deleting everything says how many and leaves nothing', async (store) => {
    await fillFour(store);
    assert.equal(await store.removeMatching({}), 4);
    assert.deepEqual(await present(store, 4), []);
  }),
  rule('a tag matches its own name only', async (store) => {
    await store.write(testCacheKey(0), testCacheEntry({ tags: { user: 'search', feature: 'alice' } }));
    assert.equal(await store.removeMatching({ tag: { name: 'user', value: 'alice' } }), 0);
    assert.equal(await store.removeMatching({ tag: { name: 'toString', value: 'alice' } }), 0);
  }),
  rule('writes made at once all arrive, and the last write of a key wins', async (store) => {
    const writes: Promise<void>[] = [];
    for (let number = 0; number < 200; number += 1) {
      writes.push(store.write(testCacheKey(number % 100), testCacheEntry({ servedModel: `m${number}` })));
    }
    await Promise.all(writes);
    const numbers = Array.from({ length: 100 }, (_, number) => number);
    const found = await Promise.all(numbers.map((number) => store.read(testCacheKey(number))));
    assert.deepEqual(
      found.map((entry) => entry?.servedModel),
      numbers.map((number) => `m${number + 100}`),
    );
  }),
  rule('a body that is a view into a larger buffer is kept as the view', async (store) => {
    const pool = new Uint8Array(1000).fill(1);
    await store.write(testCacheKey(1), testCacheEntry({ body: pool.subarray(10, 20) }));
    assert.deepEqual(plain(await store.read(testCacheKey(1)))?.body, new Uint8Array(10).fill(1));
  }),
  rule('closing twice is closing once', async (store) => {
    await store.close();
    await store.close();
  }),
];

interface SettableClock extends Clock {
  set(nowMs: number): void;
}

function settableClock(startMs: number): SettableClock {
  let nowMs = startMs;
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, set: (value) => void (nowMs = value) };
}

function rule(name: string, check: (store: CacheStore, clock: SettableClock) => Promise<void>): CacheStoreCase {
  return {
    name,
    async run(harness) {
      const clock = settableClock(1000);
      const store = await harness.open(clock);
      try {
        await check(store, clock);
      } finally {
        await store.close();
      }
    },
  };
}

/** Bodies as plain bytes: a store may give a `Buffer`. */
function plain(entry: CacheEntry | undefined): CacheEntry | undefined {
  return entry === undefined ? undefined : { ...entry, body: new Uint8Array(entry.body) };
}

async function fillFour(store: CacheStore): Promise<void> {
  const owners = [
    ['alpha', 'alice'],
    ['alpha', 'bob'],
    ['beta', 'alice'],
    ['beta', 'bob'],
  ] as const;
  await Promise.all(
    owners.map(([project, user], number) =>
      store.write(testCacheKey(number), testCacheEntry({ project, tags: { user } })),
    ),
  );
}

async function present(store: CacheStore, count: number): Promise<readonly number[]> {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const found = await Promise.all(numbers.map((number) => store.read(testCacheKey(number))));
  return numbers.filter((number) => found[number] !== undefined);
}
