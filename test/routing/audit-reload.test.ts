import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { startGateway } from '../../src/gateway/start-gateway.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { CALM, GATEWAY_KEY } from '../support/gateway-stack.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

const ADMIN_KEY = `admin-${'0'.repeat(40)}`;
const [SMALL, LARGE] = ['openai/gpt-5.4-mini', 'openai/gpt-5.5'] as const;

const ROUTES: readonly (readonly unknown[])[] = [
  [{ name: 'one', cascade: { from: SMALL, to: LARGE, verify: ['empty'] } }],
  [{ name: 'two', targets: [SMALL, LARGE], quality: { maxQualityLoss: 0.1 } }],
  [{ name: 'three', targets: [SMALL] }],
  [],
];

test('routes change under calls: those under way end as they began, later ones go by the new routes, and no answer of the old ones is served', async () => {
  const [folder, upstream] = await Promise.all([
    mkdtemp(join(tmpdir(), 'farthing-reload-')),
    startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 }),
  ]);
  const configOf = (routes: readonly unknown[]): ReturnType<typeof loadConfig> => {
    const text = JSON.stringify({
      version: 1,
      listen: '127.0.0.1:0',
      storage: folder,
      providers: {
        openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${upstream.origin}/v1`, apiKey: 'sk-simulated' },
      },
      cache: { mode: 'all', ttl: '1m' },
      keys: [{ name: 'tests', project: 'tests', key: GATEWAY_KEY }],
      admin: { key: ADMIN_KEY },
      resilience: { retries: 0 },
      log: { level: 'error' },
      limits: CALM,
      routes,
    });
    return loadConfig({
      text,
      env: {},
      readFile: (path) => {
        throw new Error(`no file is read: ${path}`);
      },
    });
  };
  let step = 0;
  const gateway = await startGateway({
    config: configOf(ROUTES[0] ?? []).config,
    readSettings: () => Promise.resolve(configOf(ROUTES[step] ?? [])),
  });
  onTestFinished(async () => {
    await gateway.close();
    await upstream.close();
    await rm(folder, { recursive: true, force: true });
  });
  const call = async (content: string): Promise<readonly [status: number, route: string, cache: string]> => {
    const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${GATEWAY_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-5.5', messages: [{ role: 'user', content }] }),
    });
    await reply.text();
    const route = /^([a-z]+); reason=([a-z]+)/.exec(reply.headers.get('x-farthing-route') ?? '');
    return [
      reply.status,
      route?.[0] ?? 'none',
      reply.headers.get('cache-status')?.includes('hit') === true ? 'hit' : 'miss',
    ];
  };
  const expected = [
    ['one; reason=cascade', 'miss'],
    ['two; reason=uncertified', 'miss'],
    ['three; reason=first', 'miss'],
    // The strong target has answered it as it would have without a route.
    ['none', 'hit'],
  ] as const;
  for (const [index, [route, first]] of expected.entries()) {
    // oxlint-disable no-await-in-loop -- one configuration after the other
    expect(await call('same')).toEqual([200, route, first]);
    expect(await call('same')).toEqual([200, route, 'hit']);
    upstream.failNext({ kind: 'slow', delayMs: 150 }, 4);
    const underWay = Promise.all(Array.from({ length: 4 }, (_, number) => call(`under way ${index} ${number}`)));
    await expect.poll(() => upstream.counters().inFlight).toBe(4);
    step = (index + 1) % ROUTES.length;
    const reloaded = await fetch(`${gateway.url}/admin/v1/reload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect(reloaded.status).toBe(200);
    for (const under of await underWay) expect(under).toEqual([200, route, 'miss']);
    // oxlint-enable no-await-in-loop
  }
});
