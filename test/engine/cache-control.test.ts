import { expect, test } from 'vitest';
import { startLibraryStack } from '../support/library-stack.ts';

const question = { model: 'gpt-5.4-mini', messages: [{ role: 'user' as const, content: 'What is a farthing?' }] };
const wait = (durationMs: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, durationMs));

function control(value: string): { headers: Record<string, string> } {
  return { headers: { 'cache-control': value } };
}

test('no-cache asks the provider and stores the new answer; no-store neither reads nor stores', async () => {
  const { openai, upstream } = await startLibraryStack();
  await openai.chat.completions.create(question, control('no-store'));
  await openai.chat.completions.create(question);
  expect(upstream.counters().requests).toBe(2);
  await openai.chat.completions.create(question, control('no-cache'));
  expect(upstream.counters().requests).toBe(3);
  await openai.chat.completions.create(question);
  expect(upstream.counters().requests).toBe(3);
});

test('only-if-cached answers 504 in the protocol shape and asks nobody', async () => {
  const { openai, anthropic, upstream } = await startLibraryStack();
  await expect(openai.chat.completions.create(question, control('only-if-cached'))).rejects.toMatchObject({
    status: 504,
  });
  const message = { model: 'claude-haiku-4-5', max_tokens: 50, messages: question.messages };
  await expect(anthropic.messages.create(message, control('only-if-cached'))).rejects.toMatchObject({
    status: 504,
    error: { type: 'error' },
  });
  expect(upstream.counters().requests).toBe(0);
});

test('max-age refuses an older answer', async () => {
  const { openai, upstream } = await startLibraryStack();
  await openai.chat.completions.create(question);
  await wait(20);
  await openai.chat.completions.create(question, control('max-age=0'));
  expect(upstream.counters().requests).toBe(2);
  await openai.chat.completions.create(question, control('max-age=60'));
  expect(upstream.counters().requests).toBe(2);
});

test('an answer past its time is asked for again', async () => {
  const { openai, upstream, last } = await startLibraryStack({ cache: { mode: 'all', ttlMs: 30 } });
  await openai.chat.completions.create(question);
  await wait(50);
  await openai.chat.completions.create(question);
  expect(upstream.counters().requests).toBe(2);
  expect(last().cacheStatus).toBe('miss');
});

test('a stale answer stands in for a provider that fails, marked, and costs nothing', async () => {
  const { openai, upstream, last } = await startLibraryStack({
    cache: { mode: 'all', ttlMs: 20, staleIfErrorMs: 60_000 },
  });
  const first = await openai.chat.completions.create(question);
  await wait(40);
  upstream.failNext({ kind: 'status', status: 503 });
  const { data, response } = await openai.chat.completions.create(question).withResponse();
  expect(data.choices).toEqual(first.choices);
  expect(response.headers.get('cache-status')).toMatch(
    /^Farthing; hit; ttl=-\d+; key="[0-9a-f]+"; detail=stale-if-error$/,
  );
  expect(last()).toMatchObject({ cacheStatus: 'stale', costNanoUsd: 0, outcome: 'complete' });
  upstream.failNext({ kind: 'reset' });
  expect((await openai.chat.completions.create(question)).choices).toEqual(first.choices);
});

test('a request that the provider refuses is not answered from what is stale', async () => {
  const { openai, upstream } = await startLibraryStack({ cache: { mode: 'all', ttlMs: 20, staleIfErrorMs: 60_000 } });
  await openai.chat.completions.create(question);
  await wait(40);
  upstream.failNext({ kind: 'status', status: 400 });
  await expect(openai.chat.completions.create(question)).rejects.toMatchObject({ status: 400 });
});

test('the reply says what the cache did', async () => {
  const { openai } = await startLibraryStack({ cache: { mode: 'deterministic', ttlMs: 60_000 } });
  const status = async (body: typeof question & { temperature?: number }): Promise<string | null> =>
    (await openai.chat.completions.create(body).asResponse()).headers.get('cache-status');
  expect(await status(question)).toBe('Farthing; fwd=bypass; detail=sampling');
  expect(await status({ ...question, temperature: 0 })).toMatch(/^Farthing; fwd=miss; key="/);
  expect(await status({ ...question, temperature: 0 })).toMatch(/^Farthing; hit; ttl=(59|60); key="/);
});

test('x-farthing-cache declares a call, or opts out of it', async () => {
  const { openai, upstream } = await startLibraryStack({ cache: { mode: 'declared', ttlMs: 60_000 } });
  const declared = { headers: { 'x-farthing-cache': 'on' } };
  await openai.chat.completions.create(question, declared);
  await openai.chat.completions.create(question, declared);
  expect(upstream.counters().requests).toBe(1);
  await openai.chat.completions.create(question);
  await openai.chat.completions.create({ ...question, temperature: 0 }, { headers: { 'x-farthing-cache': 'off' } });
  await openai.chat.completions.create({ ...question, temperature: 0 }, { headers: { 'x-farthing-cache': 'off' } });
  expect(upstream.counters().requests).toBe(4);
});

test('an answer that was cut short by its limit is not stored', async () => {
  const { openai, upstream } = await startLibraryStack();
  await openai.chat.completions.create({ ...question, max_completion_tokens: 1 });
  await openai.chat.completions.create({ ...question, max_completion_tokens: 1 });
  expect(upstream.counters().requests).toBe(2);
});
