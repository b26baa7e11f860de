import { expect, test } from 'vitest';
import { CostOptimizedLLM } from '../../src/client/cost-optimized-llm.ts';
import type { FarthingOptions } from '../../src/client/create-farthing.ts';
import { type LibraryStack, startLibraryStack } from '../support/library-stack.ts';

const KEYS = { openai: 'test', anthropic: 'test', house: 'test' };
const [SMALL, LARGE, LUNA] = ['openai/gpt-5.4-mini', 'openai/gpt-5.5', 'openai/gpt-5.6-luna'];
const question = { model: 'gpt-5.5', messages: [{ role: 'user' as const, content: 'What is a farthing?' }] };

function stack(options: FarthingOptions): Promise<LibraryStack> {
  return startLibraryStack({ apiKeys: KEYS, cache: false, ...options });
}

const SUPPORT: FarthingOptions = {
  routes: [
    { name: 'support', match: { models: ['gpt-5*'], tags: { feature: ['support'] } }, targets: [SMALL, LARGE] },
    { name: 'short', match: { models: ['gpt-5.5'], maxInputTokens: 20 }, targets: ['house/gpt-5.4-mini', LARGE] },
  ],
};
const tagged = { headers: { 'x-farthing-tags': 'feature=support' } };

test('the first route that matches answers, says so, and is measured against the model asked for', async () => {
  const { openai, last } = await stack(SUPPORT);
  const { response } = await openai.chat.completions.create(question, tagged).withResponse();
  expect(response.headers.get('x-farthing-model')).toBe(SMALL);
  expect(response.headers.get('x-farthing-route')).toMatch(/^support; reason=first; policy=[0-9a-f]{8}$/);
  const [baseline, cost, saved] = ['baseline', 'cost', 'saved'].map((name) =>
    Number(response.headers.get(`x-farthing-${name}-usd`)),
  );
  expect(saved).toBeGreaterThan(0);
  expect(baseline).toBeCloseTo(Number(cost) + Number(saved), 12);
  expect(last()).toMatchObject({ target: SMALL, route: { route: 'support', reason: 'first' } });
  expect(last().savedParts?.route).toBe(last().savedNanoUsd);
  await openai.chat.completions.create(question);
  expect(last()).toMatchObject({ target: 'house/gpt-5.4-mini', route: { route: 'short' } });
});

test('a call that no route takes goes to the model that it asks for', async () => {
  const { openai, last } = await stack(SUPPORT);
  const long = { ...question, messages: [{ role: 'user' as const, content: 'Tell me more. '.repeat(30) }] };
  const { response } = await openai.chat.completions.create(long).withResponse();
  expect(response.headers.get('x-farthing-route')).toBeNull();
  expect(last()).toMatchObject({ target: LARGE, savedNanoUsd: 0, route: undefined });
});

test('a caller may go around routes, or name one', async () => {
  const { openai, last } = await stack(SUPPORT);
  await openai.chat.completions.create(question, { headers: { ...tagged.headers, 'x-farthing-route': 'off' } });
  expect(last()).toMatchObject({ target: LARGE, route: { route: '', reason: 'opted-out' } });
  await openai.chat.completions.create(question, { headers: { 'x-farthing-route': 'support' } });
  expect(last()).toMatchObject({ target: SMALL, route: { route: 'support' } });
  const wrong = openai.chat.completions.create(question, { headers: { 'x-farthing-route': 'nowhere' } });
  await expect(wrong).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining('there is no route "nowhere"'),
  });
});

test('who writes provider/model is taken at his word, unless a route is for just that', async () => {
  const { farthing, last } = await stack({
    routes: [
      { name: 'all', targets: [SMALL, LARGE] },
      { name: 'exact', match: { models: ['house/gpt-5.5'] }, targets: [SMALL, LARGE] },
    ],
  });
  const ask = async (model: string): Promise<void> => {
    await new CostOptimizedLLM({ farthing, defaultModel: model }).complete('Hello');
  };
  await ask('house/gpt-5.4-mini');
  expect(last()).toMatchObject({ target: 'house/gpt-5.4-mini', route: { route: '', reason: 'pinned' } });
  await ask('gpt-5.5');
  expect(last()).toMatchObject({ target: SMALL, route: { route: 'all' } });
});

test('embeddings and token counts are routed only where a route names them', async () => {
  const { openai, last } = await stack({
    routes: [{ name: 'all', targets: [SMALL, LARGE] }],
  });
  await openai.embeddings.create({ model: 'text-embedding-3-small', input: 'a farthing' });
  expect(last()).toMatchObject({ target: 'openai/text-embedding-3-small', route: undefined });
});

test('a fallback is asked when all targets have failed', async () => {
  const { openai, upstream, last } = await stack({
    providers: { dead: { protocol: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
    routes: [{ name: 'r', targets: ['dead/gpt-5.4-mini', 'dead/gpt-5.5'], fallback: [LARGE] }],
  });
  await openai.chat.completions.create(question);
  expect(last()).toMatchObject({ target: LARGE, route: { route: 'r', reason: 'first' } });
  expect(upstream.counters().requests).toBe(1);
});

test.each([
  ['moves where that pays at once', LARGE, LUNA, { target: LUNA, route: { route: 'later', reason: 'first' } }],
  [
    'stays where reading it anew costs more than it saves',
    SMALL,
    LUNA,
    { target: SMALL, route: { route: 'later', reason: 'session' } },
  ],
])('a conversation %s', async (_, begun, cheaper, expected) => {
  const { openai, last } = await stack({
    routes: [
      { name: 'begin', targets: [begun] },
      { name: 'later', targets: [cheaper, begun] },
    ],
  });
  const system = { role: 'system' as const, content: 'You are a numismatist. '.repeat(300) };
  const first = { role: 'user' as const, content: 'What is a farthing?' };
  const answer = await openai.chat.completions.create(
    { model: 'gpt-5.5', messages: [system, first] },
    { headers: { 'x-farthing-route': 'begin' } },
  );
  expect(last()).toMatchObject({ target: begun, route: { route: 'begin', reason: 'first' } });
  const said = { role: 'assistant' as const, content: String(answer.choices[0]?.message.content) };
  const next = { role: 'user' as const, content: `And a groat? ${'Say more. '.repeat(120)}` };
  await openai.chat.completions.create(
    { model: 'gpt-5.5', messages: [system, first, said, next] },
    { headers: { 'x-farthing-route': 'later' } },
  );
  expect(last()).toMatchObject(expected);
});

test('the same bytes under another tag or route are another call, also to the cache', async () => {
  const { openai, upstream } = await stack({ ...SUPPORT, cache: { mode: 'all', ttlMs: 60_000 } });
  const answering = async (headers: Record<string, string>): Promise<string | null> => {
    const { response } = await openai.chat.completions.create(question, { headers }).withResponse();
    return response.headers.get('x-farthing-model');
  };
  for (let turn = 0; turn < 3; turn += 1) {
    expect(await answering(tagged.headers)).toBe(SMALL);
    expect(await answering({})).toBe('house/gpt-5.4-mini');
    expect(await answering({ 'x-farthing-route': 'off' })).toBe(LARGE);
  }
  expect(upstream.counters().requests).toBe(3);
});

test('a model of last resort answers when the default model cannot; a forced one is not replaced', async () => {
  const { farthing, records } = await stack({
    providers: { dead: { protocol: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
    routes: [{ name: 'r', match: { models: ['gpt-5.5'] }, targets: [SMALL, LARGE] }],
  });
  const llm = new CostOptimizedLLM({ farthing, defaultModel: 'dead/gpt-5.5', fallbackModel: 'claude-haiku-4-5' });
  const { model, decisions } = await llm.complete('What is a farthing?');
  expect(model).toBe('anthropic/claude-haiku-4-5');
  expect(decisions[0]).toEqual({ step: 'fallback', verdict: 'used', reason: 'provider-failed' });
  expect(records.map(({ outcome }) => outcome)).toEqual(['broken', 'complete']);
  await expect(llm.complete('Hi', { forceModel: 'dead/gpt-5.5' })).rejects.toMatchObject({ code: 'provider-failed' });
  await expect(llm.complete('Hi', { model: 'gpt-5.5', temperature: 99 })).rejects.toMatchObject({ status: 400 });
  expect(records).toHaveLength(4);
  const routed = new CostOptimizedLLM({ farthing, defaultModel: 'gpt-5.5' });
  expect((await routed.complete('Hi')).model).toBe(SMALL);
  expect((await routed.complete('Hi', { forceModel: 'gpt-5.5' })).model).toBe(LARGE);
  const plain = new CostOptimizedLLM({ farthing, defaultModel: 'gpt-5.5', enableModelRouting: false });
  expect((await plain.complete('Hi')).model).toBe(LARGE);
});

test.each([
  [{ name: 'off', targets: [SMALL] }, 'is not a name for a route'],
  [{ name: 'r', targets: [] }, 'has no target'],
  [{ name: 'r', targets: [SMALL], quality: { maxQualityLoss: 0.1 } }, 'which needs two targets'],
  [{ name: 'r', targets: [SMALL, LARGE], quality: { maxQualityLoss: 2 } }, 'not between 0 and 1'],
])('the route %o is refused when it is written', async (route, problem) => {
  await expect(stack({ routes: [route as never] })).rejects.toThrow(problem);
});
