import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../ports/clock.ts';
import { CACHE_STORE_CASES, testCacheEntry, testCacheKey } from '../../testing/cache-store-conformance.ts';
import { hasRedis, RedisServer, startRedisCluster } from '../../../test/support/redis-server.ts';
import { RedisCacheStore } from './redis-cache-store.ts';
import { RedisConnection, type RedisConnectionOptions } from './redis-connection.ts';

const clock: Clock = { nowMs: () => 1000, monotonicMs: () => 1000 };
const opened: RedisConnection[] = [];

async function openStore(place: RedisConnectionOptions, own: Clock = clock): Promise<RedisCacheStore> {
  const connection = await RedisConnection.open({ timeoutMs: 5000, ...place });
  opened.push(connection);
  return new RedisCacheStore({ connection, clock: own });
}

afterEach(() => Promise.all(opened.splice(0).map((connection) => connection.close())));

/** Spread over all shards. */
function spreadKey(number: number): ReturnType<typeof testCacheKey> {
  return `${(number % 256).toString(16).padStart(2, '0')}${testCacheKey(number).slice(2)}` as ReturnType<
    typeof testCacheKey
  >;
}

describe.skipIf(!hasRedis())('on one Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.close());
  beforeEach(() => server.flush());

  const lasting = { deleteAtMs: 100_000, staleAtMs: 90_000 };

  test.each(CACHE_STORE_CASES)('$name', ({ run }) => run({ open: (own) => openStore({ url: server.url }, own) }));

  test('a delete by project finds every answer of it and no other, however many there are', async () => {
    const store = await openStore({ url: server.url });
    const project = (number: number): string => (number % 3 === 0 ? 'alpha' : 'beta');
    await Promise.all(
      Array.from({ length: 3000 }, (_, number) => {
        const key = number < 1500 ? testCacheKey(number) : spreadKey(number); // half of them in one shard
        return store.write(key, testCacheEntry({ ...lasting, project: project(number), tags: { n: `${number % 2}` } }));
      }),
    );
    expect(await store.removeMatching({ project: 'alpha', tag: { name: 'n', value: '1' } })).toBe(500);
    expect(await store.removeMatching({ project: 'alpha' })).toBe(500);
    expect(await store.removeMatching({ tag: { name: 'n', value: '0' } })).toBe(1000);
    expect(await store.removeMatching({})).toBe(1000);
    expect(await store.removeMatching({})).toBe(0);
  });

  test('Redis itself drops what is past its end', async () => {
    const store = await openStore({ url: server.url });
    await store.write(testCacheKey(1), testCacheEntry({ deleteAtMs: 61_000 }));
    const left = await server.command('PTTL', `farthing:c:{00}${testCacheKey(1).slice(2)}`);
    expect(Number(left.slice(1))).toBeGreaterThan(50_000);
    expect(Number(left.slice(1))).toBeLessThanOrEqual(60_000);
    await store.write(testCacheKey(2), testCacheEntry({ deleteAtMs: 1000 }));
    expect(await store.read(testCacheKey(2))).toBeUndefined();
  });

  test('what has expired is cleaned off the index by later writes', async () => {
    const store = await openStore({ url: server.url });
    await store.write(testCacheKey(1), testCacheEntry({ deleteAtMs: 1001, tags: { user: 'gone' } }));
    await expect
      .poll(
        async () => {
          await store.write(testCacheKey(2), testCacheEntry({ ...lasting, tags: {} }));
          return server.command('ZCARD', 'farthing:ci:{00}');
        },
        { timeout: 5000 },
      )
      .toBe(':2\r\n'); // the mark, and the second entry's project
  });

  test('an answer whose index was evicted is not given, so that no delete can miss it', async () => {
    const store = await openStore({ url: server.url });
    await store.write(testCacheKey(1), testCacheEntry(lasting));
    await server.command('DEL', 'farthing:ci:{00}');
    expect(await store.read(testCacheKey(1))).toBeUndefined();
    await store.write(testCacheKey(2), testCacheEntry(lasting));
    expect(await store.read(testCacheKey(1))).toBeUndefined();
    expect(await store.removeMatching({})).toBe(1);
    await store.write(testCacheKey(1), testCacheEntry(lasting));
    expect(await store.read(testCacheKey(1))).toBeDefined();
  });

  test('nothing of prompts, projects or tags is in the names of keys, and bodies are compressed', async () => {
    const store = await openStore({ url: server.url });
    const body = new TextEncoder().encode('a secret answer '.repeat(1000));
    await store.write(
      testCacheKey(1),
      testCacheEntry({ ...lasting, body, project: 'hidden', tags: { user: 'alice' } }),
    );
    const names = await server.command('KEYS', '*');
    expect(names).not.toMatch(/hidden|alice|user|secret/);
    expect(names).toContain(`farthing:c:{00}${testCacheKey(1).slice(2)}`);
    const size = await server.command('HSTRLEN', `farthing:c:{00}${testCacheKey(1).slice(2)}`, 'b');
    expect(Number(size.slice(1))).toBeLessThan(1000);
  });

  test('a blob of another version is a miss, a damaged one a fault', async () => {
    const store = await openStore({ url: server.url });
    await store.write(testCacheKey(1), testCacheEntry(lasting));
    const key = `farthing:c:{00}${testCacheKey(1).slice(2)}`;
    await server.command('HSET', key, 'b', '\u0002 of a later version');
    expect(await store.read(testCacheKey(1))).toBeUndefined();
    await server.command('HSET', key, 'b', '\u0001\u0001 damaged and cut');
    await expect(store.read(testCacheKey(1))).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  test('a large answer comes back as it was', async () => {
    const store = await openStore({ url: server.url });
    const body = Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 31 + (index >> 8)) % 251);
    await store.write(testCacheKey(1), testCacheEntry({ ...lasting, body }));
    expect(new Uint8Array((await store.read(testCacheKey(1)))?.body ?? [])).toEqual(body);
  });
});

describe.skipIf(!hasRedis())('on a cluster', () => {
  let servers: readonly RedisServer[] = [];
  beforeAll(async () => {
    servers = await startRedisCluster();
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));
  beforeEach(() => Promise.all(servers.map((server) => server.flush())));

  const open = (own: Clock): Promise<RedisCacheStore> => openStore({ clusterUrls: servers.map(({ url }) => url) }, own);
  test.each(CACHE_STORE_CASES)('$name', ({ run }) => run({ open }));
});
