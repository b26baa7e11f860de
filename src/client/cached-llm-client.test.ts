import { describe, expect, onTestFinished, test } from 'vitest';
import { startSimulatedClients } from '../../test/support/simulated-clients.ts';
import { systemClock } from '../engine/system-ports.ts';
import type { SimulatedProvider } from '../simulator/simulated-provider.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { CachedLLMClient, type CachedLLMClientOptions } from './cached-llm-client.ts';
import type { ClientCallOptions } from './client-provider.ts';

const HOUR_MS = 3_600_000;
const QUESTION = [{ role: 'user', content: 'What is a farthing?' }];

async function official(
  which: 'openai' | 'anthropic',
  options: Partial<CachedLLMClientOptions> = {},
): Promise<{ cached: CachedLLMClient; provider: SimulatedProvider }> {
  const clients = await startSimulatedClients();
  onTestFinished(() => clients.provider.close());
  const cached = new CachedLLMClient({
    client: clients[which],
    scope: 'tests',
    ttlMs: HOUR_MS,
    vendor: which,
    ...options,
  });
  return { cached, provider: clients.provider };
}

/** A function in a client's place, with whole answers of one choice. */
function scripted(
  options: Partial<CachedLLMClientOptions> & {
    readonly finish?: string;
    readonly wait?: (call: ClientCallOptions) => Promise<void>;
    readonly identity?: string;
  } = {},
): { cached: CachedLLMClient; calls: ClientCallOptions[] } {
  const { finish = 'stop', wait, identity = 'scripted', ...rest } = options;
  const calls: ClientCallOptions[] = [];
  const client = {
    protocol: 'openai' as const,
    identity,
    async send(body: Readonly<Record<string, unknown>>, call: ClientCallOptions) {
      calls.push(call);
      await wait?.(call);
      const message = { role: 'assistant', content: `${identity} ${calls.length}` };
      return {
        id: 'chatcmpl-1',
        object: 'chat.completion',
        model: body['model'],
        choices: [{ index: 0, message, finish_reason: finish }],
        usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
      };
    },
  };
  return { calls, cached: new CachedLLMClient({ client, scope: 'tests', ttlMs: HOUR_MS, mode: 'all', ...rest }) };
}

describe.each([
  ['openai', 'gpt-5.4-mini'],
  ['anthropic', 'claude-haiku-4-5'],
] as const)('the official client of %s', (which, model) => {
  test('is asked once: the repeat is a hit, costs nothing and says what was saved', async () => {
    const { cached, provider } = await official(which, { mode: 'all' });
    const first = await cached.complete(model, QUESTION, { maxOutputTokens: 300 });
    const second = await cached.complete(model, QUESTION, { maxOutputTokens: 300 });
    expect(first).toMatchObject({ fromCache: false, savedUsd: '0.00' });
    expect(first.content.length).toBeGreaterThan(0);
    expect(second).toMatchObject({ content: first.content, fromCache: true, costUsd: '0.00', savedUsd: first.costUsd });
    expect(provider.counters().requests).toBe(1);
    expect(cached.stats()).toEqual({ hits: 1, misses: 1, shared: 0, bypassed: 0 });
  });

  test('fails with the status of the provider, and the failure is not kept', async () => {
    const { cached, provider } = await official(which, { mode: 'all' });
    provider.failNext({ kind: 'status', status: 429 });
    await expect(cached.complete(model, QUESTION)).rejects.toMatchObject({
      code: 'provider-failed',
      status: 429,
      retryable: true,
    });
    expect((await cached.complete(model, QUESTION)).fromCache).toBe(false);
  });
});

describe('only what may be cached is cached', () => {
  test('in mode deterministic a call with temperature 0, or declared ones in mode declared', async () => {
    const { cached, calls } = scripted({ mode: 'deterministic' });
    await cached.complete('m', QUESTION);
    await cached.complete('m', QUESTION, { cache: 'on' });
    await cached.complete('m', QUESTION, { temperature: 0 });
    expect((await cached.complete('m', QUESTION, { temperature: 0 })).fromCache).toBe(true);
    expect(calls).toHaveLength(3);
    expect(cached.stats()).toEqual({ hits: 1, misses: 1, shared: 0, bypassed: 2 });
    const declared = scripted({ mode: 'declared' });
    await declared.cached.complete('m', QUESTION, { cache: 'on' });
    expect((await declared.cached.complete('m', QUESTION, { cache: 'on' })).fromCache).toBe(true);
    expect((await declared.cached.complete('m', QUESTION, { cache: 'off' })).fromCache).toBe(false);
  });

  test.each(['length', 'content_filter'])('an answer that ended by %s is not stored', async (finish) => {
    const { cached, calls } = scripted({ finish });
    await cached.complete('m', QUESTION);
    expect((await cached.complete('m', QUESTION)).fromCache).toBe(false);
    expect(calls).toHaveLength(2);
  });

  test('a call with hosted tools is not', async () => {
    const { cached, calls } = scripted();
    const body = { web_search_options: {} };
    await cached.complete('m', QUESTION, { body });
    await cached.complete('m', QUESTION, { body });
    expect(calls).toHaveLength(2);
    expect(cached.stats().bypassed).toBe(2);
  });

  test('anything that changes the answer is another entry; who asks is not', async () => {
    const { cached, calls } = scripted();
    await cached.complete('m', QUESTION, { body: { user: 'alice' } });
    expect((await cached.complete('m', QUESTION, { body: { user: 'bob' } })).fromCache).toBe(true);
    await cached.complete('other', QUESTION);
    await cached.complete('m', QUESTION, { maxOutputTokens: 7 });
    await cached.complete('m', QUESTION, { body: { top_p: 0.5 } });
    expect(calls).toHaveLength(4);
  });
});

test('over one store, scopes and identities share nothing', async () => {
  const store = new MemoryCacheStore({ clock: systemClock });
  await scripted({ store }).cached.complete('m', QUESTION);
  expect((await scripted({ store }).cached.complete('m', QUESTION)).fromCache).toBe(true);
  expect((await scripted({ store, scope: 'other' }).cached.complete('m', QUESTION)).fromCache).toBe(false);
  expect((await scripted({ store, identity: 'other' }).cached.complete('m', QUESTION)).content).toBe('other 1');
});

describe('identical calls in flight', () => {
  test('share one answer', async () => {
    const { cached, calls } = scripted({ wait: () => new Promise((resolve) => setTimeout(resolve, 20)) });
    const answers = await Promise.all([1, 2, 3].map(() => cached.complete('m', QUESTION)));
    expect(calls).toHaveLength(1);
    expect(new Set(answers.map(({ content }) => content))).toEqual(new Set(['scripted 1']));
    expect(cached.stats()).toEqual({ hits: 0, misses: 1, shared: 2, bypassed: 0 });
  });

  test('go on when one leaves; the last one leaving cancels, also a function that does not listen', async () => {
    const { cached, calls } = scripted({ wait: () => new Promise(() => undefined) });
    const leave = [new AbortController(), new AbortController()];
    const results = leave.map(({ signal }) => cached.complete('m', QUESTION, { signal }));
    const settled = Promise.allSettled(results);
    await expect.poll(() => calls.length).toBe(1);
    leave[0]?.abort();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(calls[0]?.signal.aborted).toBe(false);
    leave[1]?.abort();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(results[1]).rejects.toMatchObject({ code: 'client-left' });
    expect(calls[0]?.signal.aborted).toBe(true);
  });
});

test('a client that throws without a status is a broken provider', async () => {
  const { cached } = scripted({ wait: () => Promise.reject(new Error('no network')) });
  await expect(cached.complete('m', QUESTION)).rejects.toMatchObject({ code: 'provider-failed', status: 502 });
});

test('what cannot be asked is refused before the client is', async () => {
  const { cached, calls } = scripted();
  await expect(cached.complete('', QUESTION)).rejects.toMatchObject({ code: 'invalid-request', status: 400 });
  await expect(cached.complete('m', QUESTION, { body: { stream: true } })).rejects.toMatchObject({
    code: 'invalid-request',
  });
  expect(calls).toHaveLength(0);
  expect(() => scripted({ scope: '' })).toThrow(/scope/);
  for (const ttlMs of [0, -1, Number.NaN, Infinity]) expect(() => scripted({ ttlMs })).toThrow(/ttlMs/);
});
