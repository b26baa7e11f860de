import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { whyNoServices } from '../support/budget-stage.ts';
import { type GatewayProcess, PROCESS_ADMIN_KEY, startGatewayProcess } from '../support/gateway-process.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { RedisServer } from '../support/redis-server.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

/** By when every instance must have heard of a change, in milliseconds. */
const HEARD_MS = 1000;

const BUDGET = { name: 'day', scope: 'all', limitUsd: '50', window: 'day' };

describe.skipIf(whyNoServices() !== undefined)('two gateways on Redis and Postgres', () => {
  let upstream: SimulatedProvider;
  let redis: RedisServer;
  let postgres: PostgresServer;
  let folder: string;
  let gateways: readonly GatewayProcess[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'farthing-services-'));
    [redis, postgres, upstream] = await Promise.all([
      RedisServer.start(),
      startPostgres(),
      startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0.2 }),
    ]);
    const settings = {
      auth: 'required',
      storage: { redis: redis.url, postgres: await postgres.createDatabase() },
      cache: { mode: 'all', ttl: '1h' },
      budgets: [BUDGET],
    };
    gateways = await Promise.all([1, 2].map(() => startGatewayProcess(folder, upstream.origin, { settings })));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.end('SIGTERM')));
    await Promise.all([redis.close(), postgres.close(), upstream.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const urlOf = (index: number): string => gateways[index]?.url ?? '';

  async function admin(index: number, method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const reply = await fetch(`${urlOf(index)}/admin/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${PROCESS_ADMIN_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(reply.ok, `${method} ${path}`).toBe(true);
    return (await reply.json()) as Record<string, unknown>;
  }

  async function newKey(): Promise<{ readonly secret: string; readonly keyId: string }> {
    const made = await admin(0, 'POST', '/keys', { name: 'test', project: 'tests' });
    return { secret: String(made['secret']), keyId: (made['key'] as { readonly keyId: string }).keyId };
  }

  function ask(index: number, secret: string, content: string): Promise<Response> {
    return fetch(`${urlOf(index)}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'gpt-5.4-mini',
        max_completion_tokens: 2000,
        messages: [{ role: 'user', content }],
      }),
    });
  }

  test('an answer that one bought is served by the other, and no longer a second after it was deleted', async () => {
    const { secret } = await newKey();
    await (await ask(0, secret, 'shared')).text();
    await expect.poll(async () => (await ask(1, secret, 'shared')).headers.get('cache-status')).toMatch(/hit/);
    expect(await admin(0, 'DELETE', '/cache?project=tests')).toEqual({ removed: 1 });
    await delay(HEARD_MS);
    expect((await ask(1, secret, 'shared')).headers.get('cache-status')).not.toMatch(/hit/);
  });

  test('a key that was revoked at one is refused by both within a second', async () => {
    const { secret, keyId } = await newKey();
    for (const index of [0, 1]) expect((await ask(index, secret, 'hello')).status).toBe(200); // oxlint-disable-line no-await-in-loop
    await admin(1, 'DELETE', `/keys/${keyId}`);
    await delay(HEARD_MS);
    for (const index of [0, 1]) expect((await ask(index, secret, 'hello')).status).toBe(401); // oxlint-disable-line no-await-in-loop
  });

  test('a limit that was changed at one holds at both within a second, keeps what was used, and opens again', async () => {
    const { secret } = await newKey();
    await (await ask(0, secret, 'spend something')).text();
    await admin(0, 'PUT', '/budgets/day', { limitUsd: '0.000001' });
    await delay(HEARD_MS);
    for (const index of [0, 1]) {
      // oxlint-disable-next-line no-await-in-loop
      const refused = await ask(index, secret, `more ${index}`);
      expect(refused.status).toBe(402);
      expect(await refused.text()).toContain('the budget \\"day\\" is too small'); // oxlint-disable-line no-await-in-loop
    }
    await admin(1, 'PUT', '/budgets/day', { limitUsd: '50' });
    await delay(HEARD_MS);
    for (const index of [0, 1]) expect((await ask(index, secret, `again ${index}`)).status).toBe(200); // oxlint-disable-line no-await-in-loop
    const { budgets } = await admin(0, 'GET', '/budgets');
    const [day] = budgets as readonly { readonly accounts: readonly { readonly usedUsd: string }[] }[];
    expect(Number(day?.accounts[0]?.usedUsd)).toBeGreaterThan(0);
  });

  test('fifty clients with one prompt at both make one upstream call', async () => {
    const { secret } = await newKey();
    const before = upstream.counters().requests;
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, client) => ask(client % 2, secret, 'all at once')),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    const texts = await Promise.all(
      replies.map(async (reply) => JSON.stringify(((await reply.json()) as { choices: unknown }).choices)),
    );
    expect(new Set(texts).size).toBe(1);
    expect(upstream.counters().requests - before).toBe(1);
  });

  test('a cap of a key holds over both', async () => {
    const { secret, keyId } = await newKey();
    await admin(0, 'PATCH', `/keys/${keyId}`, { limits: { maxConcurrent: 2 } });
    await delay(HEARD_MS);
    const replies = await Promise.all(Array.from({ length: 8 }, (_, call) => ask(call % 2, secret, `capped ${call}`)));
    const statuses = replies.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(2);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(6);
  });
});
