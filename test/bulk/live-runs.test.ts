import { expect, onTestFinished, test } from 'vitest';
import { createFarthing } from '../../src/client/create-farthing.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import type { BatchItem } from '../../src/client/batch/batch-item.ts';
import type { BatchResult } from '../../src/client/batch/batch-result.ts';
import type { BatchProgress } from '../../src/client/batch/run-tally.ts';
import { BatchProcessor } from '../../src/client/batch/batch-processor.ts';
import { startBulkStack, wordsOf } from '../support/bulk-stack.ts';

const prompts = (count: number): string[] => Array.from({ length: count }, (_, index) => `Question ${index}`);

test('results come in the order of the items, whatever order answers come in', async () => {
  const { processor, upstream } = await startBulkStack({ latencyRatio: 0.02 });
  const items: BatchItem[] = prompts(60).map((prompt, index) => ({ id: `id-${index}`, prompt }));
  const { results, summary } = await processor().process(items);
  expect(results.map(({ index }) => index)).toEqual([...items.keys()]);
  expect(results.map(({ id }) => id)).toEqual([...items.keys()].map((index) => `id-${index}`));
  expect(summary).toMatchObject({ items: 60, answered: 60, failed: 0, repeats: 0, isStopped: false });
  expect(upstream.counters().requests).toBe(60);
  const billed = Number(upstream.invoice().totalNanoUsd) / 1e9;
  expect(Number(summary.costUsd)).toBeCloseTo(billed, 9);
});

test('items may be prompts with settings of their own, requests as values and requests as text', async () => {
  const { processor } = await startBulkStack();
  const messages = [{ role: 'user', content: 'What is a groat?' }];
  const { results } = await processor().process([
    { id: 'own', prompt: 'Hello', model: 'claude-haiku-4-5', system: 'Be brief.', maxOutputTokens: 9 },
    { customId: 'value', endpoint: 'chat', body: { messages, max_completion_tokens: 8 } },
    {
      customId: 'text',
      endpoint: 'messages',
      body: JSON.stringify({ model: 'claude-haiku-4-5', max_tokens: 7, messages }),
    },
    { customId: 'vector', endpoint: 'embeddings', body: { model: 'text-embedding-3-small', input: 'groat' } },
  ]);
  expect(wordsOf(results)).toEqual(['answer', 'answer', 'answer', 'answer']);
  const answers = results.flatMap((result) => (result.kind === 'answer' ? [result] : []));
  expect(answers.map(({ model }) => model)).toEqual([
    'anthropic/claude-haiku-4-5',
    'openai/gpt-5.4-mini',
    'anthropic/claude-haiku-4-5',
    'openai/text-embedding-3-small',
  ]);
  expect(answers.map(({ usage }) => usage.output <= 9)).toEqual([true, true, true, true]);
  expect(answers[0]?.content).not.toBe('');
  expect(answers[3]).toMatchObject({ content: '', body: { object: 'list' } });
});

test('what is wrong with one item is its error, and stops no other', async () => {
  const { processor, upstream } = await startBulkStack();
  const good = { model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hi' }], max_completion_tokens: 5 };
  const { results, summary } = await processor().process([
    'Good',
    { customId: 'a', endpoint: 'chat', body: { ...good, stream: true } },
    { customId: 'b', endpoint: 'chat', body: '{"model": ' },
    { customId: 'c', endpoint: 'chat', body: { ...good, model: 'no-such-model' } },
    { customId: 'd', endpoint: 'chat', body: { ...good, messages: 'none' } },
    { customId: 'e', endpoint: 'images' as 'chat', body: good },
    { prompt: 7 as unknown as string },
    null as unknown as string,
    { customId: 'f', endpoint: 'chat', body: good },
  ]);
  expect(wordsOf(results)).toEqual([
    'answer',
    'invalid-request',
    'invalid-request',
    'provider-failed',
    'invalid-request',
    'invalid-request',
    'invalid-request',
    'invalid-request',
    'answer',
  ]);
  expect(summary).toMatchObject({ answered: 2, failed: 7, failures: { 'invalid-request': 6, 'provider-failed': 1 } });
  expect(upstream.counters().requests).toBe(3);
});

test('equal items are asked once; the others get its answer and cost nothing', async () => {
  const { processor, upstream } = await startBulkStack();
  const { results, summary } = await processor().process(['one', 'two', 'one', 'one', 'two']);
  expect(upstream.counters().requests).toBe(2);
  expect(results.map((result) => result.isRepeat)).toEqual([false, false, true, true, true]);
  const contents = results.map((result) => (result.kind === 'answer' ? result.content : undefined));
  expect(contents[2]).toBe(contents[0]);
  expect(contents[4]).toBe(contents[1]);
  expect(results[2]).toMatchObject({ costUsd: '0.00', savedUsd: results[0]?.costUsd });
  expect(summary.repeats).toBe(3);
});

test('a repeat whose first result was handed out goes through the response cache', async () => {
  const { processor, upstream } = await startBulkStack({}, { cache: { mode: 'all', ttlMs: 60_000 } });
  const items = ['same', ...prompts(8), 'same'];
  const { results, summary } = await processor({ maxHeldItems: 2, concurrency: 2, maxOutputTokens: 4000 }).process(
    items,
  );
  expect(results.at(-1)).toMatchObject({ fromCache: true, isRepeat: true });
  expect(summary).toMatchObject({ fromCache: 1, repeats: 1 });
  expect(upstream.counters().requests).toBe(9);
});

test('a limit that comes through is waited for, and is no error of the item', async () => {
  const { processor, upstream } = await startBulkStack({}, { resilience: { retries: 0 } });
  upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 1 }, 2);
  const startedAt = performance.now();
  const { results } = await processor({ concurrency: 2 }).process(prompts(6));
  expect(new Set(wordsOf(results))).toEqual(new Set(['answer']));
  expect(performance.now() - startedAt).toBeGreaterThan(900);
  expect(upstream.counters().requests).toBe(8);
});

test('patience has an end, and then the limit is the error', async () => {
  const { processor, upstream } = await startBulkStack({}, { resilience: { retries: 0 } });
  upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 30 }, 1);
  const { results } = await processor({ concurrency: 1, patienceMs: 100 }).process(['only']);
  expect(results[0]).toMatchObject({ kind: 'error', error: { code: 'provider-failed', status: 429 } });
});

test('no more is spent than the run may, with failures and repeats by the engine, and what fits is answered', async () => {
  const { processor, upstream } = await startBulkStack(
    { faultRatio: 0.2 },
    { resilience: { retries: 3, retryBudgetRatio: 1 } },
  );
  const { results, summary } = await processor({ maxUsd: '0.003', concurrency: 8 }).process(prompts(60));
  expect(Number(upstream.invoice().totalNanoUsd)).toBeLessThanOrEqual(3_000_000);
  expect(new Set(wordsOf(results))).toEqual(new Set(['answer', 'budget-spent']));
  // One more would not have fitted: each costs 0.0001 dollars, and may by its bytes cost several times as much.
  expect(Number(summary.unspentUsd)).toBeLessThan(0.001);
  expect(Number(summary.costUsd) + Number(summary.unspentUsd)).toBeCloseTo(0.003, 9);
});

test('a limit on money refuses what nobody can price', async () => {
  const { processor } = await startBulkStack({ prices: { 'odd-model': { input: 1000, output: 1000 } } });
  const { results } = await processor({ maxUsd: '1' }).process([{ prompt: 'Hello', model: 'openai/odd-model' }]);
  expect(wordsOf(results)).toEqual(['unpriced-model']);
});

test('a run that is told to stop begins nothing more and hands out what ran', async () => {
  const { processor, upstream } = await startBulkStack({ latencyRatio: 0.02 });
  const stop = new AbortController();
  const run = processor({ concurrency: 4 }).run(prompts(500), { signal: stop.signal });
  const results: BatchResult[] = [];
  for await (const result of run) {
    results.push(result);
    if (results.length === 20) stop.abort();
  }
  expect(results.length).toBeGreaterThanOrEqual(20);
  expect(results.length).toBeLessThan(100);
  expect(new Set(wordsOf(results))).toEqual(new Set(['answer']));
  expect(upstream.counters()).toMatchObject({ requests: results.length, clientsLeft: 0 });
  expect(run.summary()).toMatchObject({ items: results.length, isStopped: true });
});

test('a run that is cut ends at once, and says which items were under way', async () => {
  const { processor } = await startBulkStack({ latencyRatio: 20 });
  const cut = new AbortController();
  setTimeout(() => cut.abort(), 100);
  const { results } = await processor({ concurrency: 3 }).process(prompts(50), { cutSignal: cut.signal });
  expect(wordsOf(results)).toEqual(['client-left', 'client-left', 'client-left']);
});

test('a reader that leaves takes the run along', async () => {
  const { processor, upstream } = await startBulkStack({ latencyRatio: 0.02 });
  let isClosed = false;
  async function* source(): AsyncGenerator<string> {
    try {
      for (let index = 0; ; index += 1) yield `Question ${index}`;
    } finally {
      isClosed = true;
    }
  }
  for await (const result of processor({ concurrency: 4 }).run(source())) if (result.index === 5) break;
  expect(isClosed).toBe(true);
  const { requests } = upstream.counters();
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(upstream.counters().requests).toBe(requests);
});

test('when the source of items fails, all before it is handed out first', async () => {
  const { processor } = await startBulkStack({ latencyRatio: 0.02 });
  async function* source(): AsyncGenerator<string> {
    yield* prompts(9);
    throw new Error('the file ends in the middle');
  }
  const results: BatchResult[] = [];
  const read = async (): Promise<void> => {
    for await (const result of processor().run(source())) results.push(result);
  };
  await expect(read()).rejects.toThrow('in the middle');
  expect(results).toHaveLength(9);
});

test('while the first item is slow only so many others are begun', async () => {
  const { processor, upstream } = await startBulkStack();
  upstream.failNext({ kind: 'slow', delayMs: 200 });
  let begun = 0;
  function* source(): Generator<string> {
    for (const prompt of prompts(60)) {
      begun += 1;
      yield prompt;
    }
  }
  let begunBeforeFirst = 0;
  for await (const result of processor({ maxHeldItems: 12, concurrency: 8 }).run(source())) {
    if (result.index === 0) begunBeforeFirst = begun;
  }
  expect(begunBeforeFirst).toBeLessThanOrEqual(14);
  expect(begun).toBe(60);
});

test('groups end before the next one begins, with a pause between', async () => {
  const { processor } = await startBulkStack();
  const startedAt = performance.now();
  const { summary } = await processor({ groupSize: 5, groupDelayMs: 120 }).process(prompts(15));
  expect(summary.answered).toBe(15);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(235);
});

test('progress is told, seldom, and at the end', async () => {
  const { processor } = await startBulkStack();
  const told: BatchProgress[] = [];
  await processor({ onProgress: (progress) => told.push(progress) }).process(prompts(60));
  expect(told.length).toBeLessThanOrEqual(12);
  expect(told.at(-1)).toMatchObject({ done: 60, total: 60, errors: 0, remainingMs: 0 });
  expect(told.at(-1)?.ratePerSecond).toBeGreaterThan(0);
});

test('options that make no sense are told when it is made', async () => {
  const { farthing } = await startBulkStack();
  const wrong = [
    { concurrency: 0 },
    { requestsPerMinute: -1 },
    { maxUsd: 'much' },
    { groupDelayMs: 5 },
    { freeRatio: 1 },
    { model: '' },
  ];
  for (const options of wrong) {
    expect(() => new BatchProcessor({ farthing, ...options })).toThrow(
      expect.objectContaining({ code: 'configuration' }),
    );
  }
  const run = new BatchProcessor({ farthing, model: 'gpt-5.4-mini' }).run([]);
  for await (const result of run) expect(result).toBeUndefined();
  expect(() => run[Symbol.asyncIterator]()).toThrow('read once');
});

test('what a run costs is told before it is started, and it costs no more than the most', async () => {
  const { processor, upstream } = await startBulkStack();
  const items: BatchItem[] = [...prompts(12), 'Question 3', { customId: 'x', endpoint: 'chat', body: '{' }];
  const bulk = processor();
  const estimate = await bulk.estimate(items);
  expect(upstream.counters().requests).toBe(0);
  expect(estimate).toMatchObject({ items: 13, repeats: 1, faulty: 1, unpriced: 0 });
  const { summary } = await bulk.process(items);
  expect(estimate.inputTokens).toBeGreaterThan(0);
  expect(Number(estimate.live.expectedUsd)).toBeGreaterThan(Number(summary.costUsd) / 2);
  expect(Number(estimate.live.mostUsd)).toBeGreaterThanOrEqual(Number(summary.costUsd));
  expect(Number(estimate.batch?.expectedUsd)).toBeCloseTo(Number(estimate.live.expectedUsd) / 2, 6);
});

test('items of a run whose key is refused fail at once, and do not wait for a target that rests', async () => {
  const upstream = await startSimulatedProvider({
    prices: { 'gpt-5.4-mini': { input: 1, output: 1 } },
    apiKeys: ['right'],
  });
  const farthing = createFarthing({
    providers: { openai: { protocol: 'openai', baseUrl: `${upstream.origin}/v1`, vendor: 'openai', apiKey: 'wrong' } },
  });
  onTestFinished(async () => {
    await farthing.close();
    await upstream.close();
  });
  const processor = new BatchProcessor({ farthing, model: 'gpt-5.4-mini' });
  const { results } = await processor.process(prompts(20));
  const statuses = results.map((result) => (result.kind === 'error' ? result.error.status : 200));
  expect(statuses).toEqual(Array.from({ length: 20 }, () => 401));
});
