import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ENDPOINTS, type Endpoint } from '../../src/core/model/protocol.ts';
import type { HttpRoute } from '../../src/gateway/http-route.ts';
import { ask, type Reply } from '../gateway/gateway-fixture.ts';
import { gatewayRoutes } from '../support/gateway-routes.ts';
import {
  leastBody,
  type SecurityStage,
  STAGE_ADMIN_KEY,
  STAGE_KEY,
  startSecurityStage,
} from '../support/security-stage.ts';

let stage: SecurityStage;
let routes: readonly HttpRoute[];

beforeAll(async () => {
  stage = await startSecurityStage();
  routes = await gatewayRoutes();
});
afterAll(async () => stage.close());
beforeEach(() => {
  stage.upstream.seen.length = 0;
});

/** A good request for a route. */
function visit({ method, path, access }: HttpRoute): Promise<Reply> {
  const endpoint = (Object.keys(ENDPOINTS) as Endpoint[]).find((name) => ENDPOINTS[name].clientPath === path);
  const body = endpoint === undefined ? '{}' : leastBody(endpoint);
  return ask(stage.url, {
    method,
    path: path.replace('*', 'audio/speech').replaceAll(/:\w+/g, 'x'),
    headers: {
      authorization: `Bearer ${access === 'admin' ? STAGE_ADMIN_KEY : STAGE_KEY}`,
      'content-type': 'application/json',
      ...(method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(body.length) }),
    },
    ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
  });
}

/** A figure of `/metrics`, over all its labels. */
async function counted(name: string): Promise<number> {
  const { body } = await ask(stage.url, { path: '/metrics' });
  const lines = body.split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function figures(): Promise<{ readonly calls: number; readonly charged: number; readonly unmetered: number }> {
  return {
    calls: (await stage.calls()).length,
    charged: await counted('farthing_calls_total'),
    unmetered: await counted('farthing_unmetered_requests_total'),
  };
}

test('a call of each charged route is in the ledger and in the metrics, once', async () => {
  for (const route of routes.filter(({ metering }) => metering === 'charged')) {
    // oxlint-disable no-await-in-loop -- each is counted by itself
    const before = await figures();
    expect((await visit(route)).status).toBe(200);
    await expect.poll(figures).toEqual({ ...before, calls: before.calls + 1, charged: before.charged + 1 });
    const record = (await stage.calls()).at(-1);
    // oxlint-enable no-await-in-loop
    expect(record).toMatchObject({ project: 'tests', attempts: 1, outcome: 'complete' });
    expect(ENDPOINTS[record?.endpoint ?? 'chat'].clientPath).toBe(route.path);
  }
  expect(stage.upstream.seen).toHaveLength(Object.keys(ENDPOINTS).length);
});

test('a request of each unmetered route is counted as such, once, and is no call', async () => {
  const unmetered = routes.filter(({ metering }) => metering === 'unmetered');
  for (const route of unmetered) {
    // oxlint-disable no-await-in-loop -- each is counted by itself
    const before = await figures();
    expect((await visit(route)).status).toBe(200);
    await expect.poll(figures).toEqual({ ...before, unmetered: before.unmetered + 1 });
    // oxlint-enable no-await-in-loop
  }
  expect(stage.upstream.seen.map(({ method }) => method)).toEqual(unmetered.map(({ method }) => method));
});

test('all other routes ask no provider', async () => {
  const free = routes.filter(({ metering }) => metering === 'none');
  const before = await figures();
  await Promise.all(free.map(visit));
  expect(free.length).toBeGreaterThan(20);
  expect(stage.upstream.seen).toEqual([]);
  expect(await figures()).toEqual(before);
});
