import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CacheStore } from '../ports/cache-store.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { SqliteCacheStore } from '../stores/sqlite/sqlite-cache-store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { ResponseCache, type ResponseCacheOptions } from './response-cache.ts';

function cacheOf(options: Partial<ResponseCacheOptions> = {}): { cache: ResponseCache; clock: FakeClock } {
  const clock = new FakeClock();
  return { clock, cache: new ResponseCache({ scope: 'tests', ttlMs: 1000, clock, ...options }) };
}

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, child]) => [name, shuffled(child)]),
  );
}

/** JSON without `-0`, which JSON text does not keep, and without `__proto__`, which an object literal cannot carry. */
const json = fc
  .jsonValue()
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  .filter((value) => !JSON.stringify(value).includes('__proto__'));

describe('a key', () => {
  test('is its content: the order of properties does not count, everything else does', async () => {
    await fc.assert(
      fc.asyncProperty(json, json, async (one, other) => {
        const { cache } = cacheOf();
        await cache.set(one, 'value');
        expect(await cache.get(shuffled(one))).toBe('value');
        const isSame = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
        expect(await cache.get(other)).toBe(isSame ? 'value' : undefined);
      }),
    );
  });

  test('may hold names whose order counts in a request', async () => {
    const { cache } = cacheOf();
    await cache.set({ input: { a: 1, b: 2 } }, 'value');
    expect(await cache.get({ input: { b: 2, a: 1 } })).toBe('value');
  });

  test('with an undefined property is the key without it', async () => {
    const { cache } = cacheOf();
    await cache.set({ prompt: 'x', temperature: undefined }, 'value');
    expect(await cache.get({ prompt: 'x' })).toBe('value');
  });

  test.each([[Number.NaN], [() => 1], [1n], [new Date(0)], [{ deep: [new Map([[1, 2]])] }]])(
    'that is no JSON is refused, since others would look like it: %s',
    async (key) => {
      const { cache } = cacheOf();
      await expect(cache.set(key, 'value')).rejects.toThrow(TypeError);
      await expect(cache.get(key)).rejects.toThrow(TypeError);
    },
  );
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return { properties: entries.map(([name, child]) => [name, sorted(child)]) };
}

describe('a value', () => {
  test('comes back equal, JSON and bytes alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(json, fc.uint8Array()), async (value) => {
        const { cache } = cacheOf();
        await cache.set('key', value);
        expect(await cache.get('key')).toEqual(value);
      }),
    );
  });

  test('is a copy: changing it changes nothing', async () => {
    const { cache } = cacheOf();
    const bytes = Uint8Array.of(1, 2, 3);
    await cache.set('bytes', bytes);
    await cache.set('json', { list: [1] });
    bytes[0] = 9;
    ((await cache.get('json')) as { list: number[] }).list.push(2);
    ((await cache.get('bytes')) as Uint8Array)[1] = 9;
    expect(await cache.get('bytes')).toEqual(Uint8Array.of(1, 2, 3));
    expect(await cache.get('json')).toEqual({ list: [1] });
  });

  test('that is neither JSON nor bytes is refused', async () => {
    const { cache } = cacheOf();
    await expect(cache.set('key', undefined)).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(cache.set('key', 1n)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test('is gone at its time, and its own time may only be shorter', async () => {
    const { cache, clock } = cacheOf();
    await cache.set('default', 1);
    await cache.set('short', 2, { ttlMs: 10 });
    await cache.set('long', 3, { ttlMs: 1_000_000 });
    clock.advance(10);
    expect([await cache.get('default'), await cache.get('short'), await cache.get('long')]).toEqual([1, undefined, 3]);
    clock.advance(990);
    expect([await cache.get('default'), await cache.get('long')]).toEqual([undefined, undefined]);
    await expect(cache.set('never', 1, { ttlMs: 0 })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test('that was deleted is gone from both tiers', async () => {
    const clock = new FakeClock();
    const below = new MemoryCacheStore({ clock });
    const { cache } = cacheOf({ below, clock });
    await cache.set('key', 'value');
    expect(await cache.delete('key')).toBe(true);
    expect(await cache.delete('key')).toBe(false);
    expect(await cacheOf({ below, clock }).cache.get('key')).toBeUndefined();
  });
});

test('scopes over one store see nothing of each other', async () => {
  const clock = new FakeClock();
  const below = new MemoryCacheStore({ clock });
  await cacheOf({ below, clock, scope: 'one' }).cache.set('key', 'value');
  expect(await cacheOf({ below, clock, scope: 'two' }).cache.get('key')).toBeUndefined();
  expect(await cacheOf({ below, clock, scope: 'one' }).cache.get('key')).toBe('value');
});

test('what memory forgot is in the tier below: SQLite, closed and opened again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-test-'));
  const clock = new FakeClock();
  const open = (): Promise<SqliteCacheStore> => SqliteCacheStore.open({ path: join(folder, 'cache.db'), clock });
  onTestFinished(() => rm(folder, { recursive: true }));
  const first = await open();
  await cacheOf({ below: first, clock }).cache.set({ a: 1 }, { answer: [1, 'ä', null] });
  await first.close();
  const second = await open();
  expect(await cacheOf({ below: second, clock }).cache.get({ a: 1 })).toEqual({ answer: [1, 'ä', null] });
  await second.close();
});

test('memory is bounded by bytes and by entries', async () => {
  const { cache } = cacheOf({ maxBytes: 100_000, maxEntries: 20 });
  for (let index = 0; index < 200; index += 1) await cache.set(index, 'x'.repeat(index * 50));
  expect(cache.stats().entries).toBeLessThanOrEqual(20);
  expect(cache.stats().entries).toBeGreaterThan(0);
  expect(cache.stats().sizeBytes).toBeLessThanOrEqual(100_000);
});

test('hits, misses and faults of the tier below are counted; a fault is a miss and is heard', async () => {
  const heard: string[] = [];
  const fail = (): Promise<never> => Promise.reject(new Error('disk'));
  const below: CacheStore = { read: fail, write: fail, remove: fail, removeMatching: fail, close: fail };
  const { cache } = cacheOf({ below, onFault: (operation) => heard.push(operation) });
  expect(await cache.get('key')).toBeUndefined();
  await cache.set('key', 'value');
  expect(await cache.get('key')).toBe('value');
  expect(cache.stats()).toMatchObject({ hits: 1, misses: 1, faults: 2, entries: 1 });
  expect(heard).toEqual(['read', 'write']);
  await expect(cache.delete('key')).rejects.toThrow('disk');
});

test('a cache without scope, end or bounds cannot be made', () => {
  expect(() => cacheOf({ scope: '' })).toThrow(/scope/);
  for (const name of ['ttlMs', 'maxBytes', 'maxEntries']) {
    for (const value of [0, -1, Number.NaN, Infinity]) expect(() => cacheOf({ [name]: value })).toThrow(name);
  }
  // @ts-expect-error -- the time to live is required
  expect(() => new ResponseCache({ scope: 'tests' })).toThrow(/ttlMs/);
});
