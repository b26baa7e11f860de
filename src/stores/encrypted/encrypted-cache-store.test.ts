import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasRedis, RedisServer } from '../../../test/support/redis-server.ts';
import type { CacheEntry, CacheKey } from '../../core/model/cache-entry.ts';
import { usageOf } from '../../core/model/usage.ts';
import { nanoUsd } from '../../core/money.ts';
import type { CacheStore } from '../../ports/cache-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { CACHE_STORE_CASES, testCacheEntry, testCacheKey } from '../../testing/cache-store-conformance.ts';
import { MemoryCacheStore } from '../memory/memory-cache-store.ts';
import { RedisCacheStore } from '../redis/redis-cache-store.ts';
import { RedisConnection } from '../redis/redis-connection.ts';
import { SqliteCacheStore } from '../sqlite/sqlite-cache-store.ts';
import { TieredCacheStore } from '../tiered/tiered-cache-store.ts';
import { encryptedCacheStore } from './encrypted-cache-store.ts';

const clock: Clock = { nowMs: () => 1000, monotonicMs: () => 1000 };
const KEY = randomBytes(32).toString('base64');
const OLD_KEY = randomBytes(32).toString('hex');
const CACHE_KEY = testCacheKey(0xabc);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An encrypted store over a memory store, what is in it, and the faults heard. */
function sealedMemory(keys: readonly string[] = [KEY], below = new MemoryCacheStore({ clock })) {
  const faults: string[] = [];
  const store = encryptedCacheStore(below, { keys, onFault: (_, { message }) => faults.push(message) });
  return { store, below, faults };
}

async function storedEntry(store: CacheStore, key: CacheKey = CACHE_KEY): Promise<CacheEntry> {
  const entry = await store.read(key);
  if (entry === undefined) throw new Error('nothing is stored');
  return entry;
}

function plain(entry: CacheEntry | undefined): CacheEntry | undefined {
  return entry === undefined ? undefined : { ...entry, body: new Uint8Array(entry.body) };
}

/** Entries with names and bytes of any kind. */
function anyEntry(): fc.Arbitrary<CacheEntry> {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  return fc
    .record({
      body: fc.oneof(
        fc.uint8Array({ maxLength: 2000 }),
        fc.integer({ min: 0, max: 200_000 }).map((size) => new Uint8Array(size).fill(65)),
      ),
      project: text,
      tags: fc.dictionary(text, text, { maxKeys: 5 }),
      target: text,
      servedModel: fc.option(text, { nil: undefined }),
      usage: fc.record({ input: fc.nat(), output: fc.nat(), cacheRead: fc.nat() }).map((usage) => usageOf(usage)),
      costNanoUsd: fc.option(fc.nat().map(nanoUsd), { nil: undefined }),
      staleAtMs: fc.integer({ min: 1001, max: 2 ** 50 }),
      form: fc.constantFrom('whole' as const, 'stream' as const),
      endpoint: fc.constantFrom('chat' as const, 'embeddings' as const, 'value' as const),
    })
    .map((changes) => testCacheEntry({ ...changes, deleteAtMs: changes.staleAtMs + 1 }));
}

describe('conformance', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'farthing-encrypted-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each(CACHE_STORE_CASES)('on SQLite: $name', ({ run }) =>
    run({
      open: async (own) =>
        encryptedCacheStore(await SqliteCacheStore.open({ path: join(folder, 'cache.db'), clock: own }), {
          keys: [KEY, OLD_KEY],
          onFault: (_, error) => expect.fail(String(error)),
        }),
    }),
  );

  describe.skipIf(!hasRedis())('on Redis', () => {
    let server: RedisServer;
    let connection: RedisConnection;
    beforeAll(async () => {
      server = await RedisServer.start();
      connection = await RedisConnection.open({ url: server.url, timeoutMs: 5000 });
    });
    afterAll(async () => {
      await connection.close();
      await server.close();
    });
    beforeEach(() => server.flush());

    test.each(CACHE_STORE_CASES)('$name', ({ run }) =>
      run({
        open: async (own) =>
          encryptedCacheStore(new RedisCacheStore({ connection, clock: own }), {
            keys: [KEY, OLD_KEY],
            compress: true,
            onFault: (_, error) => expect.fail(String(error)),
          }),
      }),
    );

    test('what is compressed before it is encrypted stays small', async () => {
      const store = encryptedCacheStore(new RedisCacheStore({ connection, clock }), { keys: [KEY], compress: true });
      await store.write(CACHE_KEY, testCacheEntry({ body: new Uint8Array(100_000).fill(65), deleteAtMs: 100_000 }));
      const size = await server.command('HSTRLEN', `farthing:c:{00}${CACHE_KEY.slice(2)}`, 'b');
      expect(Number(size.slice(1))).toBeLessThan(2000);
    });
  });
});

test('any entry comes back as it was, compressed or not', async () => {
  await fc.assert(
    fc.asyncProperty(anyEntry(), fc.boolean(), async (entry, compress) => {
      const store = encryptedCacheStore(new MemoryCacheStore({ clock }), { keys: [KEY], compress });
      await store.write(CACHE_KEY, entry);
      expect(plain(await store.read(CACHE_KEY))).toEqual(plain(entry));
      expect(plain(store.peek(CACHE_KEY))).toEqual(plain(entry));
    }),
    { numRuns: 60 },
  );
});

test('the store sees times and keyed hashes, and nothing else of an entry', async () => {
  const { store, below } = sealedMemory();
  const entry = testCacheEntry({ body: bytesOf('canary body'), project: 'canary project', tags: { user: 'canary' } });
  await store.write(CACHE_KEY, entry);
  const { body, project, tags, ...facts } = await storedEntry(below);
  expect(facts).toEqual({
    storedAtMs: 1000,
    staleAtMs: 2000,
    deleteAtMs: 3000,
    endpoint: 'sealed',
    form: 'whole',
    target: '',
    servedModel: undefined,
    usage: usageOf({}),
    terms: {},
    costNanoUsd: undefined,
  });
  const seen = JSON.stringify([Buffer.from(body).toString('latin1'), project, tags]);
  expect(seen).not.toMatch(/canary|user|gpt|openai/);
  expect(Object.values(tags)).toEqual(['']);
});

test('the same entry is never the same bytes twice', async () => {
  const { store, below } = sealedMemory();
  const seen = new Set<string>();
  for (let round = 0; round < 50; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- each replaces the one before
    await store.write(CACHE_KEY, testCacheEntry());
    // oxlint-disable-next-line no-await-in-loop -- as above
    seen.add(Buffer.from((await storedEntry(below)).body).toString('hex'));
  }
  expect(seen.size).toBe(50);
});

test('any single bit that is not as it was makes an entry a miss that is heard of', async () => {
  const { store, below, faults } = sealedMemory();
  await store.write(CACHE_KEY, testCacheEntry({ body: bytesOf('four') }));
  const sealed = await storedEntry(below);
  let flips = 0;
  for (let bit = 0; bit < sealed.body.byteLength * 8; bit += 1) {
    const body = Uint8Array.from(sealed.body);
    body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    // oxlint-disable-next-line no-await-in-loop -- one key after the other
    await below.write(CACHE_KEY, { ...sealed, body });
    // oxlint-disable-next-line no-await-in-loop -- as above
    expect(await store.read(CACHE_KEY), `bit ${bit}`).toBeUndefined();
    flips += 1;
  }
  expect(faults).toHaveLength(flips);
});

test('an entry that was cut short or made longer is a miss that is heard of', async () => {
  const { store, below, faults } = sealedMemory();
  await store.write(CACHE_KEY, testCacheEntry());
  const sealed = await storedEntry(below);
  const size = sealed.body.byteLength;
  for (let length = 0; length < size; length += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one length after the other
    await below.write(CACHE_KEY, { ...sealed, body: sealed.body.subarray(0, length) });
    // oxlint-disable-next-line no-await-in-loop -- as above
    expect(await store.read(CACHE_KEY), `${length} bytes`).toBeUndefined();
  }
  await below.write(CACHE_KEY, { ...sealed, body: Buffer.concat([sealed.body, new Uint8Array(1)]) });
  expect(await store.read(CACHE_KEY)).toBeUndefined();
  expect(faults).toHaveLength(size + 1);
  await below.write(CACHE_KEY, sealed);
  expect(await store.read(CACHE_KEY)).toBeDefined();
});

test('an entry that was moved to another key is a miss', async () => {
  const { store, below, faults } = sealedMemory();
  await store.write(testCacheKey(1), testCacheEntry({ body: bytesOf('one') }));
  await store.write(testCacheKey(2), testCacheEntry({ body: bytesOf('two') }));
  const [one, two] = [await storedEntry(below, testCacheKey(1)), await storedEntry(below, testCacheKey(2))];
  await below.write(testCacheKey(1), two);
  await below.write(testCacheKey(2), one);
  expect([await store.read(testCacheKey(1)), await store.read(testCacheKey(2))]).toEqual([undefined, undefined]);
  expect(faults).toEqual(['a cached answer is damaged, or was moved', 'a cached answer is damaged, or was moved']);
});

test('the times that hold are those that were sealed', async () => {
  const { store, below } = sealedMemory();
  await store.write(CACHE_KEY, testCacheEntry());
  await below.write(CACHE_KEY, { ...(await storedEntry(below)), staleAtMs: 1e12, deleteAtMs: 1e12 });
  expect(await store.read(CACHE_KEY)).toMatchObject({ staleAtMs: 2000, deleteAtMs: 3000 });
});

test('keys are changed without a miss: the new one encrypts, the old one still opens', async () => {
  const below = new MemoryCacheStore({ clock });
  await sealedMemory([OLD_KEY], below).store.write(testCacheKey(1), testCacheEntry());
  const both = sealedMemory([KEY, OLD_KEY], below);
  expect(await both.store.read(testCacheKey(1))).toBeDefined();
  await both.store.write(testCacheKey(2), testCacheEntry());
  const after = sealedMemory([KEY], below);
  expect(await after.store.read(testCacheKey(2))).toBeDefined();
  expect(await after.store.read(testCacheKey(1))).toBeUndefined();
  expect(after.faults).toEqual([expect.stringMatching(/was encrypted with the key [0-9a-f]{16}, which is not known/)]);
  for (const text of [OLD_KEY, KEY]) expect(after.faults.join('\n')).not.toContain(text.slice(0, 8));
  expect(both.faults).toEqual([]);
});

test('an entry from before the encryption is a miss that is heard of, also when it is peeked at', async () => {
  const { store, below, faults } = sealedMemory();
  await below.write(CACHE_KEY, testCacheEntry());
  expect(await store.read(CACHE_KEY)).toBeUndefined();
  expect(store.peek(CACHE_KEY)).toBeUndefined();
  expect(faults).toEqual(['a cached answer is not encrypted', 'a cached answer is not encrypted']);
});

test('deletes find what any of the keys encrypted and what is not encrypted', async () => {
  const below = new MemoryCacheStore({ clock });
  const { store } = sealedMemory([KEY, OLD_KEY], below);
  const fill = async (): Promise<void> => {
    await store.write(testCacheKey(1), testCacheEntry({ project: 'alpha', tags: { user: 'alice' } }));
    await sealedMemory([OLD_KEY], below).store.write(testCacheKey(2), testCacheEntry({ project: 'alpha' }));
    await below.write(testCacheKey(3), testCacheEntry({ project: 'alpha' }));
    await store.write(testCacheKey(4), testCacheEntry({ project: 'beta', tags: { user: 'bob' } }));
  };
  await fill();
  expect(await store.removeMatching({ project: 'alpha' })).toBe(3);
  expect(below.stats().entries).toBe(1);
  await fill();
  expect(await store.removeMatching({ project: 'alpha', tag: { name: 'user', value: 'alice' } })).toBe(3);
  await fill();
  await store.forget({ tag: { name: 'user', value: 'alice' } });
  expect(below.stats().entries).toBe(1);
  await fill();
  expect(await store.removeMatching({})).toBe(4);
});

test('it has the abilities of the store, and no others', async () => {
  const tiers = new TieredCacheStore({
    memory: new MemoryCacheStore({ clock }),
    below: new MemoryCacheStore({ clock }),
    onFault: () => undefined,
  });
  const store = encryptedCacheStore(tiers, { keys: [KEY] });
  await store.write(CACHE_KEY, testCacheEntry());
  await store.settled();
  expect(store.peek(CACHE_KEY)).toBeDefined();
  await store.forget(CACHE_KEY);
  expect(store.peek(CACHE_KEY)).toBeUndefined();
  expect(await store.read(CACHE_KEY)).toBeDefined();
  expect('stats' in store).toBe(false);
  expect(sealedMemory().store.stats().entries).toBe(0);
  const { read, write, remove, removeMatching, close } = tiers;
  const bare: CacheStore = { read, write, remove, removeMatching, close };
  const others = ['peek', 'stats', 'settled', 'refresh', 'forget'];
  expect(others.filter((name) => name in encryptedCacheStore(bare, { keys: [KEY] }))).toEqual([]);
});

test('a fault of the store stays a fault', async () => {
  const broken: CacheStore = {
    read: () => Promise.reject(new Error('disk')),
    write: () => Promise.reject(new Error('disk')),
    remove: () => Promise.reject(new Error('disk')),
    removeMatching: () => Promise.reject(new Error('disk')),
    close: () => Promise.reject(new Error('disk')),
  };
  const store = encryptedCacheStore(broken, { keys: [KEY] });
  await expect(store.read(CACHE_KEY)).rejects.toThrow('disk');
  await expect(store.write(CACHE_KEY, testCacheEntry())).rejects.toThrow('disk');
  await expect(store.remove(CACHE_KEY)).rejects.toThrow('disk');
  await expect(store.removeMatching({ project: 'a' })).rejects.toThrow('disk');
  await expect(store.close()).rejects.toThrow('disk');
});

test.each([
  ['none', []],
  ['an empty one', ['']],
  ['one of 31 bytes', [randomBytes(31).toString('base64')]],
  ['one of 33 bytes in hex', [KEY, randomBytes(33).toString('hex')]],
])('keys are 32 bytes each: %s is refused, and not shown', (_what, keys) => {
  const make = (): unknown => encryptedCacheStore(new MemoryCacheStore({ clock }), { keys });
  expect(make).toThrow(expect.objectContaining({ code: 'configuration' }));
  const bad = keys.at(-1) ?? '';
  if (bad !== '') expect(make).not.toThrow(bad);
});

test('a key is the same in base64, in base64 for addresses and in hex', async () => {
  const key = Buffer.from('fbff'.repeat(16), 'hex');
  const below = new MemoryCacheStore({ clock });
  await sealedMemory([key.toString('hex')], below).store.write(CACHE_KEY, testCacheEntry());
  for (const text of [key.toString('base64'), key.toString('base64url'), key.toString('hex').toUpperCase()]) {
    // oxlint-disable-next-line no-await-in-loop -- one writing after the other
    expect(await sealedMemory([text], below).store.read(CACHE_KEY), text).toBeDefined();
  }
});

test('what was stored in clear before leaves the bytes of the file with its time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-erased-'));
  const path = join(folder, 'cache.db');
  const holds = (text: string): boolean =>
    readdirSync(folder).some((file) => readFileSync(join(folder, file)).includes(text));
  try {
    const before = await SqliteCacheStore.open({ path, clock });
    const body = bytesOf('canary of before '.repeat(2000));
    await before.write(testCacheKey(1), testCacheEntry({ body, project: 'canary project' }));
    await before.close();
    expect([holds('canary of before'), holds('canary project')]).toEqual([true, true]);
    const later: Clock = { nowMs: () => 5000, monotonicMs: () => 5000 };
    const file = await SqliteCacheStore.open({ path, clock: later, eraseDeleted: true });
    const store = encryptedCacheStore(file, { keys: [KEY] });
    await store.write(testCacheKey(2), testCacheEntry({ deleteAtMs: 9000 }));
    await store.close();
    expect([holds('canary of before'), holds('canary project')]).toEqual([false, false]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
