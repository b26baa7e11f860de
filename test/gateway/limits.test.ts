import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { ENDPOINTS } from '../../src/core/model/protocol.ts';
import { gatewayLog } from '../../src/gateway/gateway-log.ts';
import { type Gateway, startGateway } from '../../src/gateway/start-gateway.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';
import { ask, type Reply } from './gateway-fixture.ts';

const KEY = 'fk-a-key-of-these-tests-that-is-long-enough';
const ADMIN_KEY = 'an-admin-key-of-these-tests-that-is-long';
const QUESTION = { role: 'user' as const, content: 'Where is my parcel?' };
const MODEL = 'gpt-5.4-mini';

interface Stage {
  readonly upstream: SimulatedProvider;
  readonly gateways: readonly Gateway[];
  /** OpenAI's client at the first gateway, without retries of its own. */
  readonly openai: OpenAI;
}

/** Gateways on one folder in front of one provider. */
async function start(settings: Readonly<Record<string, unknown>>, count = 1): Promise<Stage> {
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
  const folder = await mkdtemp(join(tmpdir(), 'farthing-limits-'));
  const provider = { vendor: 'openai', apiKey: 'sk-simulated' };
  const text = JSON.stringify({
    version: 1,
    listen: '127.0.0.1:0',
    storage: folder,
    providers: {
      openai: { ...provider, protocol: 'openai', baseUrl: `${upstream.origin}/v1` },
      anthropic: { ...provider, protocol: 'anthropic', vendor: 'anthropic', baseUrl: upstream.origin },
    },
    admin: { key: ADMIN_KEY },
    cache: { mode: 'off' },
    // A client that left may have opened a connection for a call that never comes.
    limits: { drainTimeout: '1s' },
    keys: [{ name: 'tests', project: 'web', key: KEY }],
    ...settings,
  });
  const { config } = loadConfig({ text, env: {}, readFile: () => '' });
  const log = gatewayLog('silent', { write: () => undefined });
  const gateways: Gateway[] = [];
  onTestFinished(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await upstream.close();
    await rm(folder, { recursive: true, force: true });
  });
  // oxlint-disable-next-line no-await-in-loop -- the first one makes the files
  while (gateways.length < count) gateways.push(await startGateway({ config, log }));
  const baseURL = `${gateways[0]?.url}/v1`;
  return { upstream, gateways, openai: new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 }) };
}

function keyWith(limits: Readonly<Record<string, number>>): Readonly<Record<string, unknown>> {
  return { keys: [{ name: 'tests', project: 'web', key: KEY, limits }] };
}

function askedOf(gateway: Gateway | undefined, secret = KEY, priority = 'interactive'): Promise<Reply> {
  return ask(gateway?.url ?? '', {
    method: 'POST',
    path: ENDPOINTS.chat.clientPath,
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      'x-farthing-priority': priority,
    },
    body: JSON.stringify({ model: MODEL, messages: [QUESTION] }),
  });
}

function admin(gateway: Gateway | undefined, method: string, path: string, body: unknown): Promise<Reply> {
  return ask(gateway?.url ?? '', {
    method,
    path: `/admin/v1${path}`,
    headers: { 'x-api-key': ADMIN_KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function statuses(replies: readonly Promise<Reply>[]): Promise<Readonly<Record<number, number>>> {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(replies)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

test('calls of a batch, by their header or their key, leave room to interactive ones', async () => {
  const bulkKey = 'fk-a-key-of-a-batch-that-is-long-enough-too';
  const key = { project: 'web', limits: { requestsPerMinute: 10 } };
  const { gateways } = await start({
    keys: [
      { ...key, name: 'tests', key: KEY },
      { ...key, name: 'bulk', key: bulkKey, priority: 'batch' },
    ],
  });
  const many = (secret: string, priority: string): readonly Promise<Reply>[] =>
    Array.from({ length: 10 }, () => askedOf(gateways[0], secret, priority));
  expect(await statuses(many(bulkKey, 'interactive'))).toEqual({ 200: 9, 429: 1 });
  expect(await statuses(many(KEY, 'batch'))).toEqual({ 200: 9, 429: 1 });
  expect(await statuses([askedOf(gateways[0])])).toEqual({ 200: 1 });
});

test('the official OpenAI client is told when to come back, and its own retry does so', async () => {
  const { openai, upstream } = await start(keyWith({ requestsPerMinute: 15 }));
  const calls = Array.from({ length: 16 }, () =>
    openai.chat.completions.create({ model: MODEL, messages: [QUESTION] }),
  );
  const results = await Promise.allSettled(calls);
  const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  expect(refusals).toHaveLength(1);
  const [refusal] = refusals;
  expect(refusal).toBeInstanceOf(OpenAI.RateLimitError);
  expect(refusal).toMatchObject({ status: 429, code: 'rate_limited', type: 'rate_limit_error' });
  const { headers } = refusal as InstanceType<typeof OpenAI.RateLimitError>;
  expect(headers.get('retry-after')).toMatch(/^[1-4]$/);
  expect(headers.get('x-ratelimit-limit-requests')).toBe('15');
  expect(headers.get('x-ratelimit-remaining-requests')).toBe('0');
  expect(upstream.counters().requests).toBe(15);
  const patient = openai.withOptions({ maxRetries: 3 });
  await patient.chat.completions.create({ model: MODEL, messages: [QUESTION] });
  expect(upstream.counters().requests).toBe(16);
});

test('the official Anthropic client gets the error in its own shape', async () => {
  const { gateways } = await start(keyWith({ tokensPerMinute: 500 }));
  const client = new Anthropic({ baseURL: gateways[0]?.url ?? '', apiKey: KEY, maxRetries: 0 });
  const question = { model: 'claude-haiku-4-5', max_tokens: 900, messages: [QUESTION] };
  // More than a minute's worth goes once, and then pays by waiting.
  const first = client.messages.create(question);
  const second = client.messages.create(question);
  const outcomes = await Promise.allSettled([first, second]);
  const refused = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(refused.reason).toBeInstanceOf(Anthropic.RateLimitError);
  expect(refused.reason).toMatchObject({ error: { type: 'error', error: { type: 'rate_limit_error' } } });
});

test('of five calls at once under a cap of two, three are refused, and the permits come back', async () => {
  const { openai, upstream } = await start({ projects: { web: { limits: { concurrent: 2 } } } });
  for (let fault = 0; fault < 2; fault += 1) upstream.failNext({ kind: 'slow', delayMs: 300 });
  const five = Array.from({ length: 5 }, () => openai.chat.completions.create({ model: MODEL, messages: [QUESTION] }));
  const refusals = (await Promise.allSettled(five)).filter(({ status }) => status === 'rejected');
  expect(refusals).toHaveLength(3);
  for (const refusal of refusals as PromiseRejectedResult[]) {
    expect(refusal.reason).toMatchObject({ status: 429, code: 'concurrency_limited' });
    expect(String(refusal.reason)).toContain('the project "web"');
  }
  expect(upstream.counters().requests).toBe(2);
  for (let call = 0; call < 6; call += 1) {
    await openai.chat.completions.create({ model: MODEL, messages: [QUESTION] });
  }
});

test('permits come back from calls that fail, that are refused by the provider and whose client leaves', async () => {
  const { openai, upstream } = await start(keyWith({ concurrent: 1 }));
  // Each of the call's attempts.
  upstream.failNext({ kind: 'status', status: 500 }, 3);
  await expect(openai.chat.completions.create({ model: MODEL, messages: [QUESTION] })).rejects.toThrow();
  await expect(openai.chat.completions.create({ model: 'no-such-model', messages: [QUESTION] })).rejects.toThrow();
  upstream.failNext({ kind: 'slow', delayMs: 5000 });
  const leaving = new AbortController();
  const left = openai.chat.completions.create({ model: MODEL, messages: [QUESTION] }, { signal: leaving.signal });
  setTimeout(() => leaving.abort(), 100);
  await expect(left).rejects.toThrow();
  await expectFree(openai);
  const stream = await openai.chat.completions.create({ model: MODEL, messages: [QUESTION], stream: true });
  await stream[Symbol.asyncIterator]().next();
  stream.controller.abort();
  await expectFree(openai);
});

/** The gateway hears a moment later that a client has left. */
async function expectFree(openai: OpenAI): Promise<void> {
  const calling = async (): Promise<unknown> =>
    openai.chat.completions.create({ model: MODEL, messages: [QUESTION] }).catch((error: unknown) => error);
  await expect.poll(calling, { timeout: 5000, interval: 50 }).toHaveProperty('object', 'chat.completion');
}

test('what the cache answers takes nothing from the limits', async () => {
  const limits = { concurrent: 1, requestsPerMinute: 1, tokensPerMinute: 1 };
  const { openai } = await start({ ...keyWith(limits), cache: { mode: 'all' } });
  const question = { model: MODEL, messages: [QUESTION] };
  const answers = await Promise.all(Array.from({ length: 5 }, () => openai.chat.completions.create(question)));
  await openai.chat.completions.create(question);
  expect(new Set(answers.map(({ choices }) => choices[0]?.message.content)).size).toBe(1);
  const other = { ...question, messages: [{ ...QUESTION, content: 'And today?' }] };
  await expect(openai.chat.completions.create(other)).rejects.toMatchObject({ status: 429 });
});

test('four gateways on one folder give a rate and a cap once', async () => {
  const { gateways, upstream } = await start(keyWith({ requestsPerMinute: 100, concurrent: 1000 }), 4);
  const calls = Array.from({ length: 240 }, (_, call) => askedOf(gateways[call % 4]));
  const counts = await statuses(calls);
  // Ten milliseconds of waiting bring in less than a request; a slow machine may wait for several seconds.
  expect(counts[200]).toBeGreaterThanOrEqual(100);
  expect(counts[200]).toBeLessThanOrEqual(115);
  expect((counts[200] ?? 0) + (counts[429] ?? 0)).toBe(240);
  expect(upstream.counters().requests).toBe(counts[200]);
});

test('limits of a key of the store are made and changed while it is used, for every process within a second', async () => {
  const { gateways } = await start({}, 2);
  const made = await admin(gateways[0], 'POST', '/keys', { name: 'n', limits: { requestsPerMinute: 1 } });
  expect(made.status).toBe(201);
  const { key, secret } = made.json() as { key: { keyId: string; limits: unknown }; secret: string };
  expect(key.limits).toEqual({ requestsPerMinute: 1 });
  expect(await statuses([askedOf(gateways[0], secret), askedOf(gateways[1], secret)])).toEqual({ 200: 1, 429: 1 });
  const changed = await admin(gateways[0], 'PATCH', `/keys/${key.keyId}`, { limits: { requestsPerMinute: 100 } });
  expect(changed.json()).toMatchObject({ key: { limits: { requestsPerMinute: 100 } } });
  await expect.poll(async () => (await askedOf(gateways[1], secret)).status, { timeout: 3000 }).toBe(200);
  const free = await admin(gateways[0], 'PATCH', `/keys/${key.keyId}`, { limits: null });
  expect(free.json()).toHaveProperty('key');
  expect(free.json()).not.toHaveProperty('key.limits');
  const bad = await admin(gateways[0], 'PATCH', `/keys/${key.keyId}`, { limits: { maxConcurrent: 0 } });
  expect([bad.status, bad.json()]).toMatchObject([400, { error: { param: 'limits.maxConcurrent' } }]);
  expect((await admin(gateways[0], 'PATCH', `/keys/${key.keyId}`, {})).status).toBe(400);
});
