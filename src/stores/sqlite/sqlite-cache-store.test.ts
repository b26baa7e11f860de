import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../ports/clock.ts';
import { entrySizeBytes } from '../../core/model/cache-entry.ts';
import { CACHE_STORE_CASES, testCacheEntry, testCacheKey } from '../../testing/cache-store-conformance.ts';
import { SqliteCacheStore } from './sqlite-cache-store.ts';
import { openDatabase, type SqliteDriver } from './sqlite-database.ts';

const DRIVERS: readonly SqliteDriver[] = ['better-sqlite3', 'node:sqlite'];
const clock: Clock = { nowMs: () => 1000, monotonicMs: () => 1000 };
const lasting = { storedAtMs: 0, staleAtMs: 1e12, deleteAtMs: 1e12 };

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farthing-cache-'));
  path = join(folder, 'cache.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each(DRIVERS)('conformance on %s', (driver) => {
  test.each(CACHE_STORE_CASES)('$name', async ({ run }) => {
    const open = (own: Clock) => SqliteCacheStore.open({ path, clock: own, driver });
    await expect(run({ open })).resolves.toBeUndefined();
  });
});

test('entries outlive the process that wrote them', async () => {
  const first = await SqliteCacheStore.open({ path, clock });
  await first.write(testCacheKey(1), testCacheEntry());
  await first.close();
  const second = await SqliteCacheStore.open({ path, clock });
  expect((await second.read(testCacheKey(1)))?.target).toBe('openai/gpt-5.4-mini');
  await second.close();
});

test('two stores on one file see each other: writes, deletes and weights', async () => {
  const one = await SqliteCacheStore.open({ path, clock });
  const other = await SqliteCacheStore.open({ path, clock });
  await Promise.all([
    ...Array.from({ length: 50 }, (_, number) => one.write(testCacheKey(number), testCacheEntry())),
    ...Array.from({ length: 50 }, (_, number) => other.write(testCacheKey(number + 50), testCacheEntry())),
  ]);
  expect(one.stats()).toEqual({ entries: 100, sizeBytes: 100 * entrySizeBytes(testCacheEntry()) });
  expect(await other.read(testCacheKey(3))).toBeDefined();
  await other.remove(testCacheKey(3));
  expect(await one.read(testCacheKey(3))).toBeUndefined();
  await Promise.all([one.close(), other.close()]);
});

test('the least recently used leave when the bytes are full', async () => {
  let nowMs = 0;
  const ticking: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const store = await SqliteCacheStore.open({ path, clock: ticking, maxBytes: 100_000 });
  const body = new Uint8Array(9000);
  for (let number = 0; number < 9; number += 1) {
    nowMs += 1000;
    await store.write(testCacheKey(number), testCacheEntry({ body, ...lasting }));
  }
  nowMs += 100_000;
  await store.read(testCacheKey(0)); // used again, much later
  for (let number = 9; number < 13; number += 1) {
    nowMs += 1000;
    await store.write(testCacheKey(number), testCacheEntry({ body, ...lasting }));
    expect(store.stats().sizeBytes).toBeLessThanOrEqual(100_000);
  }
  expect(await store.read(testCacheKey(0))).toBeDefined();
  expect(await store.read(testCacheKey(1))).toBeUndefined();
  for (let number = 13; number < 40; number += 1) {
    nowMs += 1000;
    await store.write(testCacheKey(number), testCacheEntry({ body, ...lasting }));
    expect(store.stats().sizeBytes).toBeLessThanOrEqual(100_000);
  }
  expect(store.stats().entries).toBe(9);
  await store.close();
});

test('what is past its time leaves the file with a later write', async () => {
  let nowMs = 1000;
  const store = await SqliteCacheStore.open({ path, clock: { nowMs: () => nowMs, monotonicMs: () => nowMs } });
  await store.write(testCacheKey(1), testCacheEntry({ deleteAtMs: 2000 }));
  nowMs = 100_000;
  await store.write(testCacheKey(2), testCacheEntry(lasting));
  expect(store.stats().entries).toBe(1);
  await store.close();
});

test('the kept totals equal what is in the table, whatever was done', async () => {
  const store = await SqliteCacheStore.open({ path, clock, maxBytes: 60_000 });
  for (let number = 0; number < 200; number += 1) {
    const body = new Uint8Array((number * 797) % 9000);
    await store.write(testCacheKey(number % 23), testCacheEntry({ body, project: `p${number % 3}` }));
    if (number % 7 === 0) await store.remove(testCacheKey((number * 5) % 23));
    if (number % 50 === 0) await store.removeMatching({ project: 'p1' });
  }
  const database = await openDatabase(path, { readonly: true });
  const counted = database.prepare('SELECT count(*) AS entries, sum(size_bytes) AS bytes FROM entry').get();
  database.close();
  expect(store.stats()).toEqual({ entries: counted?.['entries'], sizeBytes: counted?.['bytes'] });
  await store.close();
});

test('deleting by project finds its rows by an index', async () => {
  const store = await SqliteCacheStore.open({ path, clock });
  const database = await openDatabase(path, { readonly: true });
  const plan = database.prepare('EXPLAIN QUERY PLAN DELETE FROM entry WHERE project = ?').all('alpha');
  expect(JSON.stringify(plan)).toContain('entry_by_project');
  database.close();
  await store.close();
});

test('a folder that is not there is a fault when the store is opened', async () => {
  await expect(SqliteCacheStore.open({ path: join(folder, 'no', 'cache.db'), clock })).rejects.toMatchObject({
    code: 'store-unavailable',
  });
});

test('a store that was closed rejects, it does not miss', async () => {
  const store = await SqliteCacheStore.open({ path, clock });
  await store.close();
  await expect(store.read(testCacheKey(1))).rejects.toMatchObject({ code: 'store-unavailable' });
  await expect(store.write(testCacheKey(1), testCacheEntry())).rejects.toMatchObject({ code: 'store-unavailable' });
});
