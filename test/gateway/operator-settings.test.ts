import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { ENDPOINTS } from '../../src/core/model/protocol.ts';
import { gatewayLog } from '../../src/gateway/gateway-log.ts';
import { startGateway } from '../../src/gateway/start-gateway.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';
import { ask, type Reply } from './gateway-fixture.ts';

const TYPE = { 'content-type': 'application/json' };

interface Running {
  readonly url: string;
  /** Calls that reached the provider. */
  upstreamCalls(): number;
  /** Lines of the log. */
  readonly log: readonly string[];
  chat(model: string, body?: Readonly<Record<string, unknown>>): Promise<Reply>;
  record(reply: Reply): Promise<Readonly<Record<string, unknown>>>;
}

/** A whole gateway with these settings; provider `openai` has OpenAI's prices, `local` has none. */
async function start(settings: Readonly<Record<string, unknown>>): Promise<Running> {
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
  const folder = await mkdtemp(join(tmpdir(), 'farthing-settings-'));
  const baseUrl = `${upstream.origin}/v1`;
  const text = JSON.stringify({
    listen: '127.0.0.1:0',
    auth: 'none',
    storage: folder,
    providers: {
      openai: { protocol: 'openai', vendor: 'openai', baseUrl, apiKey: 'sk-simulated' },
      local: { protocol: 'openai', baseUrl, apiKey: 'sk-simulated' },
      claude: { protocol: 'anthropic', baseUrl: upstream.origin, apiKey: 'sk-simulated' },
    },
    ...settings,
  });
  const log: string[] = [];
  const gateway = await startGateway({
    config: loadConfig({ text, env: {}, readFile: () => '' }).config,
    log: gatewayLog('info', { write: (line) => void log.push(line) }),
  });
  onTestFinished(async () => {
    await gateway.close();
    await upstream.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { url } = gateway;
  const messages = [{ role: 'user', content: 'Where is my parcel?' }];
  return {
    url,
    log,
    upstreamCalls: () => upstream.counters().requests,
    chat: (model, body = {}) =>
      ask(url, {
        method: 'POST',
        path: ENDPOINTS.chat.clientPath,
        headers: TYPE,
        body: JSON.stringify({ model, messages, ...body }),
      }),
    record: async ({ headers }) =>
      (await ask(url, { path: `/v1/farthing/calls/${String(headers['x-farthing-request-id'])}` })).json(),
  };
}

test('with the cache off nothing is served from it, and a repeat says which mode would have and what it cost', async () => {
  const { chat, record, upstreamCalls, url } = await start({ cache: { mode: 'off' } });
  const first = await record(await chat('gpt-5.4-mini'));
  expect([first['cacheStatus'], first['missedByMode']]).toEqual(['bypass', undefined]);
  const reply = await chat('gpt-5.4-mini');
  expect(reply.headers['cache-status']).toBe('Farthing; fwd=bypass; detail=mode-off');
  const second = await record(reply);
  expect(second).toMatchObject({ cacheStatus: 'bypass', attempts: 1, missedByMode: { mode: 'all' } });
  expect(upstreamCalls()).toBe(2);
  expect((await ask(url, { path: '/metrics' })).body).toMatch(/farthing_missed_by_mode_usd_total\{[^}]*\} 0\.0+[1-9]/);
});

test('with the cache off the narrowest mode is named, and identical calls at a time are not shared', async () => {
  const { chat, record, upstreamCalls } = await start({ cache: { mode: 'off' } });
  const replies = await Promise.all([1, 2].map(() => chat('gpt-5.4-mini', { temperature: 0 })));
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(upstreamCalls()).toBe(2);
  const third = await record(await chat('gpt-5.4-mini', { temperature: 0 }));
  expect(third).toMatchObject({ missedByMode: { mode: 'deterministic' } });
});

const HARD = { name: 'all', scope: 'all', limitUsd: 5, window: 'day', mode: 'hard' };

test('under a hard budget a model without a price is refused in the shape spoken, and nothing is forwarded', async () => {
  const { chat, url, upstreamCalls } = await start({ budgets: [HARD] });
  const refused = await chat('local/gpt-5.4-mini');
  expect([refused.status, refused.json()]).toEqual([
    400,
    {
      error: {
        message: 'the model "local/gpt-5.4-mini" has no price, and a hard budget is set; give it one under prices:',
        type: 'invalid_request_error',
        param: 'model',
        code: 'unpriced_model',
      },
    },
  ]);
  const messages = await ask(url, {
    method: 'POST',
    path: ENDPOINTS.messages.clientPath,
    headers: TYPE,
    body: '{"model":"claude/nobody","max_tokens":9,"messages":[{"role":"user","content":"a"}]}',
  });
  expect([messages.status, messages.json()]).toMatchObject([
    400,
    { type: 'error', error: { type: 'invalid_request_error', message: expect.stringContaining('has no price') } },
  ]);
  expect(upstreamCalls()).toBe(0);
  expect((await chat('gpt-5.4-mini')).status).toBe(200);
});

test("the operator's own price and an output limit end the refusal", async () => {
  const prices = { 'local/gpt-5.4-mini': { input: 1, output: 2 } };
  const { chat } = await start({ budgets: [HARD], prices });
  const refused = await chat('local/gpt-5.4-mini');
  expect(refused.status).toBe(400);
  expect(refused.json()).toMatchObject({ error: { message: expect.stringContaining('no known output limit') } });
  const limited = await start({ budgets: [HARD], prices, limits: { defaultMaxOutputTokens: 100 } });
  expect((await limited.chat('local/gpt-5.4-mini')).status).toBe(200);
});

test.each([
  ['no budget', []],
  ['a soft budget', [{ ...HARD, mode: 'soft' }]],
])(
  'under %s a model without a price is served, counted and alarmed, and its cost is unknown, not 0',
  async (_what, budgets) => {
    const { chat, record, url, log } = await start({ budgets });
    const reply = await chat('local/gpt-5.4-mini');
    expect([reply.status, reply.headers['x-farthing-cost-usd']]).toEqual([200, 'unknown']);
    expect((await record(reply))['costNanoUsd']).toBeUndefined();
    expect((await ask(url, { path: '/metrics' })).body).toMatch(/^farthing_unpriced_charges_total 1$/m);
    expect(log.join('')).toMatch(/"level":(40|"warn").*"target":"local\/gpt-5\.4-mini".*"unpriced-charged"/);
  },
);
