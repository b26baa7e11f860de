import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stateStoreConformance } from '../../testing/state-store-conformance.ts';
import { hasRedis, RedisServer } from '../../../test/support/redis-server.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisStateStore } from './redis-state-store.ts';

const unavailable = { code: 'store-unavailable', retryable: true };

describe.skipIf(!hasRedis())('on a real Redis', () => {
  let server: RedisServer;
  const opened: RedisConnection[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(() => Promise.all(opened.splice(0).map((connection) => connection.close())));
  afterAll(() => server.close());

  async function connect(timeoutMs = 5000): Promise<RedisConnection> {
    const connection = await RedisConnection.open({ url: server.url, timeoutMs });
    opened.push(connection);
    return connection;
  }

  const open = async (count: number): Promise<readonly RedisStateStore[]> => {
    await server.flush();
    const connections = await Promise.all(Array.from({ length: count }, () => connect()));
    return connections.map((connection) => new RedisStateStore({ connection }));
  };

  test.each(stateStoreConformance({ open, pass: (durationMs) => delay(durationMs) }))('$name', ({ run }) => run());

  test('a state and the index of its namespace are of one slot and forgotten by themselves', async () => {
    const [store] = await open(1);
    await store?.write('warm/a/b', '1', { ttlMs: 1_000_000 });
    expect(await server.command('PTTL', 'farthing:s:{warm}:a%2Fb')).toMatch(/^:(1000000|99\d{4})\r\n$/);
    expect(await server.command('PTTL', 'farthing:s:{warm}')).toMatch(/^:11[12]\d{4}\r\n$/);
    await store?.write('warm/a/b', '1', { ttlMs: 10_000 });
    expect(await server.command('PTTL', 'farthing:s:{warm}:a%2Fb')).toMatch(/^:(10000|9\d{3})\r\n$/);
    expect(await server.command('PTTL', 'farthing:s:{warm}')).toMatch(/^:11[12]\d{4}\r\n$/);
  });

  test('names of expired states leave the index with the writes that follow', async () => {
    const [store] = await open(1);
    for (let index = 0; index < 20; index += 1) void store?.write(`warm/${index}`, '0', { ttlMs: 10 });
    await delay(1100);
    for (let index = 0; index < 3; index += 1) void store?.write(`warm/new-${index}`, '0', { ttlMs: 60_000 });
    expect(await store?.readAll('warm')).toHaveLength(3);
    expect(await server.command('ZCARD', 'farthing:s:{warm}')).toBe(':3\r\n');
  });

  test('beyond the bound of a namespace those go that would expire first', async () => {
    await open(0);
    const store = new RedisStateStore({ connection: await connect(), maxStates: 10 });
    await store.write('other/first', '0', { ttlMs: 10_000 });
    for (let index = 0; index < 12; index += 1) void store.write(`n/${index}`, '0', { ttlMs: 60_000 + index * 1000 });
    const kept = (await store.readAll('n')).map(({ key }) => key);
    expect(kept).toEqual(['n/11', 'n/10', 'n/9', 'n/8', 'n/7', 'n/6', 'n/5', 'n/4', 'n/3', 'n/2']);
    expect(await store.read('n/1')).toBeUndefined();
    expect(await store.read('other/first')).toBeDefined();
  });

  test('a state that Redis has evicted, or an index, is a state that is not there', async () => {
    const [store] = await open(1);
    await store?.write('warm/a', '1', { ttlMs: 60_000 });
    await store?.write('warm/b', '2', { ttlMs: 60_000 });
    await server.command('DEL', 'farthing:s:{warm}:a');
    expect((await store?.readAll('warm'))?.map(({ key }) => key)).toEqual(['warm/b']);
    await server.command('DEL', 'farthing:s:{warm}');
    expect(await store?.readAll('warm')).toEqual([]);
    await store?.write('warm/b', '3', { ttlMs: 60_000 });
    expect((await store?.readAll('warm'))?.map(({ value }) => value)).toEqual(['3']);
  });

  test('a flush forgets states, and their versions do not come again', async () => {
    const [store] = await open(1);
    const before = await store?.write('warm/a', '1', { ttlMs: 60_000 });
    await server.flush();
    expect(await store?.read('warm/a')).toBeUndefined();
    const after = await store?.write('warm/a', '2', { ttlMs: 60_000, expectedVersion: 0 });
    expect(after?.version).toBeGreaterThan(before?.version ?? Number.NaN);
  });

  test('while Redis hangs every operation ends in time, and works again after it', async () => {
    await open(0);
    const store = new RedisStateStore({ connection: await connect(200) });
    await store.write('warm/a', '1', { ttlMs: 60_000 });
    server.freeze();
    try {
      const operations = [
        store.read('warm/a'),
        store.readAll('warm'),
        store.write('warm/a', '2', { ttlMs: 60_000 }),
        store.remove('warm/b'),
      ];
      for (const operation of operations) void operation.catch(() => undefined);
      // oxlint-disable-next-line no-await-in-loop -- all are under way
      for (const operation of operations) await expect(operation).rejects.toMatchObject(unavailable);
    } finally {
      server.thaw();
    }
    const read = (): Promise<string | undefined> =>
      store.read('warm/a').then(
        (state) => state?.value,
        () => undefined,
      );
    await expect.poll(read, { timeout: 10_000 }).toMatch(/^[12]$/);
  });
});
