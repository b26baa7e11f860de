import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EMPTY_ACCOUNT, exchange, foldOwner } from '../../core/budget/account-state.ts';
import { accountId } from '../../core/budget/budget.ts';
import { nanoUsd } from '../../core/money.ts';
import { budgetStoreConformance } from '../../testing/budget-store-conformance.ts';
import { sampleExchange, sampleExchanges } from '../../testing/sample-exchanges.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { hasRedis, RedisServer, startRedisCluster } from '../../../test/support/redis-server.ts';
import { RedisBudgetStore } from './redis-budget-store.ts';
import { RedisConnection, type RedisConnectionOptions } from './redis-connection.ts';

const DEFINITION = 'team|tag%3Auser|day|UTC';
const ACCOUNT = accountId(DEFINITION, 'alice');
const TERMS = { generation: 'g1', maxAccounts: 10_000 };

const opened: RedisConnection[] = [];

async function connect(options: RedisConnectionOptions): Promise<RedisConnection> {
  const connection = await RedisConnection.open({ timeoutMs: 5000, ...options });
  opened.push(connection);
  return connection;
}

async function storesOn(options: RedisConnectionOptions, count: number): Promise<readonly RedisBudgetStore[]> {
  const connections = await Promise.all(Array.from({ length: count }, () => connect(options)));
  return connections.map((connection) => new RedisBudgetStore({ connection }));
}

async function readyStore(server: RedisServer): Promise<RedisBudgetStore> {
  const [store] = await storesOn({ url: server.url }, 1);
  if (store === undefined) throw new Error('no store');
  await store.begin('g1', [DEFINITION], undefined, 0);
  await store.finish('g1');
  return store;
}

/** Makes the account and does the owner's first exchange. */
async function firstExchange(store: RedisBudgetStore, terms: { readonly keepMs?: number } = {}): Promise<void> {
  expect(await store.exchange(ACCOUNT, sampleExchange(), { ...TERMS, ...terms })).toEqual({ kind: 'created' });
  expect((await store.exchange(ACCOUNT, sampleExchange(), { ...TERMS, ...terms })).kind).toBe('held');
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((connection) => connection.close()));
});

describe.skipIf(!hasRedis())('on one Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.close());
  beforeEach(() => server.flush());

  test.each(budgetStoreConformance((count) => storesOn({ url: server.url }, count)))('$name', ({ run }) => run());

  test('every run of exchanges and folds gives the replies and the state of the reference', async () => {
    const store = await readyStore(server);
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        number += 1;
        const account = accountId(DEFINITION, `${number}`);
        let state = EMPTY_ACCOUNT;
        for (const action of sampleExchanges(seededRandom(seed), 60)) {
          if (action.kind === 'fold') {
            state = foldOwner(state, action.ownerId, action.totals, action.nowMs);
            await store.fold(account, action.ownerId, action.totals, { generation: 'g1', nowMs: action.nowMs });
            continue;
          }
          const step = exchange(state, action.request);
          state = step.state;
          let reply = await store.exchange(account, action.request, TERMS);
          if (reply.kind === 'created') reply = await store.exchange(account, action.request, TERMS);
          expect(reply).toEqual(step.reply);
        }
        for await (const [id, kept] of store.accounts()) if (id === account) expect(kept).toEqual(state);
      }),
      { numRuns: 40 },
    );
  });

  test('an account that is not there answers created and gives nothing', async () => {
    const store = await readyStore(server);
    const request = sampleExchange({ neededNanoUsd: nanoUsd(10) });
    expect(await store.exchange(ACCOUNT, request, TERMS)).toEqual({ kind: 'created' });
    for await (const [, state] of store.accounts()) expect(state).toEqual(EMPTY_ACCOUNT);
  });

  test('after a flush there is no standing, and exchanges are stale', async () => {
    const store = await readyStore(server);
    await firstExchange(store);
    await server.flush();
    expect((await store.standing()).phase).toBe('absent');
    expect(await store.exchange(ACCOUNT, sampleExchange({ sequence: 2 }), TERMS)).toEqual({ kind: 'stale' });
    expect(await store.begin('g2', [DEFINITION], undefined, 60_000)).toBe(true);
  });

  test('a single account that was taken away is a loss, for owners that knew it and for new ones', async () => {
    const store = await readyStore(server);
    await firstExchange(store);
    await server.command('DEL', `farthing:b:{g1:${ACCOUNT}}`);
    const known = sampleExchange({ sequence: 2, acknowledgedSequence: 1 });
    expect(await store.exchange(ACCOUNT, known, TERMS)).toEqual({ kind: 'lost' });
    expect(await store.exchange(ACCOUNT, sampleExchange({ ownerId: 'b' }), TERMS)).toEqual({ kind: 'lost' });
  });

  test('a register that was taken away is a loss', async () => {
    const store = await readyStore(server);
    await server.command('DEL', `farthing:bd:{g1:${DEFINITION}}`);
    expect(await store.exchange(ACCOUNT, sampleExchange(), TERMS)).toEqual({ kind: 'lost' });
  });

  test('an account expires after its time, which is no loss, and its owners go on', async () => {
    const store = await readyStore(server);
    await firstExchange(store, { keepMs: 1 });
    const key = `farthing:b:{g1:${ACCOUNT}}`;
    expect(Number((await server.command('PTTL', key)).slice(1))).toBeGreaterThan(50_000);
    await server.command('DEL', key); // as after the minute by which it outlives its register
    const again = sampleExchange({ sequence: 2, acknowledgedSequence: 1 });
    expect(await store.exchange(ACCOUNT, again, TERMS)).toEqual({ kind: 'created' });
    expect((await store.exchange(ACCOUNT, again, TERMS)).kind).toBe('held');
  });

  test('an account that is used does not expire', async () => {
    const store = await readyStore(server);
    await firstExchange(store, { keepMs: 1_000_000 });
    const key = `farthing:b:{g1:${ACCOUNT}}`;
    await server.command('PEXPIRE', key, '400000');
    await store.exchange(ACCOUNT, sampleExchange({ sequence: 2 }), { ...TERMS, keepMs: 1_000_000 });
    expect(Number((await server.command('PTTL', key)).slice(1))).toBeGreaterThan(1_000_000);
    await store.exchange(ACCOUNT, sampleExchange({ sequence: 3 }), TERMS);
    expect(await server.command('PTTL', key)).toBe(':-1\r\n');
  });

  test('accounts whose time is over make room for others', async () => {
    const store = await readyStore(server);
    const terms = { ...TERMS, maxAccounts: 1 };
    await store.exchange(ACCOUNT, sampleExchange(), { ...terms, keepMs: -121_000 });
    expect(await store.exchange(accountId(DEFINITION, 'bob'), sampleExchange(), terms)).toEqual({ kind: 'created' });
    expect(await store.exchange(accountId(DEFINITION, 'eve'), sampleExchange(), terms)).toEqual({ kind: 'full' });
  });

  test('a building that stopped before it deleted old accounts deletes them before it is finished', async () => {
    const store = await readyStore(server);
    await firstExchange(store);
    await store.begin('g2', [DEFINITION], 'g1', 0);
    await server.command('HSET', 'farthing:budget-standing', 'd:g0', JSON.stringify([DEFINITION]));
    await server.command('HSET', `farthing:bd:{g0:${DEFINITION}}`, '|alice', '1;;0');
    await server.command('HSET', `farthing:b:{g0:${ACCOUNT}}`, 'live', '1');
    expect(await store.finish('g2')).toBe(true);
    expect(await server.command('EXISTS', `farthing:b:{g0:${ACCOUNT}}`)).toBe(':0\r\n');
    expect(await server.command('DBSIZE')).toBe(':2\r\n');
  });

  test('a Redis that may evict counters is refused', async () => {
    const store = await readyStore(server);
    await server.command('CONFIG', 'SET', 'maxmemory', '100mb');
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      await expect(store.begin('g2', [], 'g1', 0)).rejects.toMatchObject({ code: 'configuration' });
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });
});

describe.skipIf(!hasRedis())('on a Redis that fails', () => {
  test('one that was started again is not trusted, though it kept everything', async () => {
    const server = await RedisServer.start({ isDurable: true });
    try {
      const store = await readyStore(server);
      await firstExchange(store);
      await server.stop();
      await server.start();
      await expect.poll(async () => (await store.standing().catch(() => undefined))?.phase).toBe('absent');
      const next = sampleExchange({ sequence: 2, acknowledgedSequence: 1 });
      expect(await store.exchange(ACCOUNT, next, TERMS)).toEqual({ kind: 'lost' });
      expect(await store.begin('g2', [DEFINITION], undefined, 60_000)).toBe(true);
      expect(await store.finish('g2')).toBe(true);
      expect(await server.command('EXISTS', `farthing:b:{g1:${ACCOUNT}}`)).toBe(':0\r\n');
    } finally {
      await server.close();
    }
  });

  test('a replica that took over is not trusted', async () => {
    const server = await RedisServer.start();
    const replica = await server.startReplica();
    try {
      const store = await readyStore(server);
      await firstExchange(store);
      await expect.poll(() => replica.command('DBSIZE'), { timeout: 15_000 }).toBe(':3\r\n');
      await server.stop();
      await replica.promote();
      const [moved] = await storesOn({ url: replica.url }, 1);
      expect((await moved?.standing())?.phase).toBe('absent');
      const next = sampleExchange({ sequence: 2, acknowledgedSequence: 1 });
      expect(await moved?.exchange(ACCOUNT, next, TERMS)).toEqual({ kind: 'lost' });
    } finally {
      await replica.close();
      await server.close();
    }
  });
});

describe.skipIf(!hasRedis())('on a cluster', () => {
  let servers: readonly RedisServer[] = [];
  beforeAll(async () => {
    servers = await startRedisCluster();
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));
  beforeEach(() => Promise.all(servers.map((server) => server.flush())));

  const open = (count: number): Promise<readonly RedisBudgetStore[]> =>
    storesOn({ clusterUrls: servers.map(({ url }) => url) }, count);
  test.each(budgetStoreConformance(open))('$name', ({ run }) => run());
});
