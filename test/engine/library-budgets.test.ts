import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { createFarthing } from '../../src/client/create-farthing.ts';
import { isFarthingError } from '../../src/core/errors.ts';
import type { SimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { startLibraryStack } from '../support/library-stack.ts';

const MODEL = 'gpt-5.4-mini';
const DAY = { name: 'day', limitUsd: '0.02', window: 'day' } as const;

function ask(openai: OpenAI, content: string, maxTokens: number | 'none' = 200) {
  return openai.chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content }],
    ...(maxTokens === 'none' ? {} : { max_completion_tokens: maxTokens }),
  });
}

/** Makes calls until one is refused. */
async function spend(openai: OpenAI): Promise<InstanceType<typeof OpenAI.APIError>> {
  for (let number = 0; number < 200; number += 1) {
    try {
      await ask(openai, `question ${number}`); // oxlint-disable-line no-await-in-loop -- one after the other
    } catch (error) {
      if (error instanceof OpenAI.APIError) return error;
      throw error;
    }
  }
  throw new Error('the budget was never spent');
}

/** The output limit of the last request that reached the provider. */
function sentLimit(upstream: SimulatedProvider): number {
  const body: unknown = JSON.parse(upstream.journal().at(-1)?.bodyText ?? '{}');
  return Number((body as Readonly<Record<string, unknown>>)['max_completion_tokens']);
}

async function spentUsd(farthing: ReturnType<typeof createFarthing>): Promise<number> {
  const rows = await farthing.report('day');
  return Number(rows.reduce((sum, row) => sum + row.costNanoUsd, 0n)) / 1e9;
}

test('a hard budget is spent nearly to its end and never past it; then calls get 402 that names it and its reset', async () => {
  const { openai, farthing, upstream } = await startLibraryStack({ budgets: [DAY] });
  const refusal = await spend(openai);
  expect([refusal.status, refusal.code]).toEqual([402, 'budget_spent']);
  expect(refusal.message).toMatch(
    /the budget "day" is spent.*more than is left; it resets at \d{4}-\d\d-\d\dT00:00:00\.000Z/,
  );
  expect(refusal.headers?.get('x-should-retry')).toBe('false');
  const spent = await spentUsd(farthing);
  expect(spent).toBeLessThanOrEqual(0.02);
  expect(spent).toBeGreaterThan(0.018);
  expect(Number(upstream.invoice().totalNanoUsd)).toBeLessThanOrEqual(0.02 * 1e9);
});

test('a call whose bound does not fit is refused before anything is sent, a smaller one still goes', async () => {
  const { openai, upstream } = await startLibraryStack({ budgets: [DAY] });
  await expect(ask(openai, 'too much', 100_000)).rejects.toMatchObject({ status: 402 });
  await expect(ask(openai, 'too much', 100_000)).rejects.toThrow(
    /the budget "day" is too small for this call, which may cost \$0\.\d+: its limit is \$0\.02; state a lower output limit/,
  );
  expect(upstream.counters().requests).toBe(0);
  await expect(ask(openai, 'small')).resolves.toMatchObject({ object: 'chat.completion' });
});

test('hits take nothing from a budget, and every reply says what is left', async () => {
  const { openai, farthing } = await startLibraryStack({ budgets: [DAY] });
  const left = async (content: string): Promise<string | null> => {
    const { response } = await ask(openai, content).withResponse();
    return response.headers.get('x-farthing-budget-remaining-usd');
  };
  const first = Number(await left('one'));
  expect(first).toBeCloseTo(0.02 - (await spentUsd(farthing)), 9);
  expect(await left('one')).toBeNull(); // a hit asks no budget
  expect(Number(await left('two'))).toBeLessThan(first);
});

test('a budget for each user holds each of them alone', async () => {
  const budgets = [{ ...DAY, name: 'user', scope: 'tag:user', limitUsd: '0.004' }];
  const { openai } = await startLibraryStack({ budgets });
  const as = (user: string) => openai.withOptions({ defaultHeaders: { 'x-farthing-tags': `user=${user}` } });
  expect((await spend(as('ann'))).status).toBe(402);
  await expect(ask(as('bob'), 'hello')).resolves.toMatchObject({ object: 'chat.completion' });
  await expect(ask(openai, 'nobody in particular')).resolves.toMatchObject({ object: 'chat.completion' });
});

test('onLowBudget: lower sends the limit that fits, down to 1,024 tokens', async () => {
  const budgets = [{ ...DAY, limitUsd: '0.03', onLowBudget: 'lower' as const }];
  const { openai, last, upstream, events } = await startLibraryStack({ budgets });
  const refusals = () => events.filter(({ kind }) => kind === 'budget-refused');
  await expect(ask(openai, 'long', 20_000)).resolves.toMatchObject({ object: 'chat.completion' });
  const decision = last().decisions.find(({ step }) => step === 'budget');
  expect(decision).toMatchObject({ verdict: 'lowered' });
  const sent = sentLimit(upstream);
  expect(decision?.reason).toBe(`${sent}-tokens`);
  expect(sent).toBeGreaterThanOrEqual(1024);
  expect(sent).toBeLessThan(20_000);
  expect(refusals()).toEqual([]);
  await expect(ask(openai, 'long'.repeat(20_000), 20_000)).rejects.toMatchObject({ status: 402 });
  expect(refusals()).toEqual([{ kind: 'budget-refused', budget: 'day', reason: 'spent' }]);
  expect(last().decisions).toContainEqual({ step: 'budget', verdict: 'refuse', reason: 'budget-spent' });
});

test('a default output limit is reserved and sent for calls that have none', async () => {
  const { openai, upstream } = await startLibraryStack({
    budgets: [DAY],
    budgetPolicy: { defaultMaxOutputTokens: 64 },
  });
  await ask(openai, 'no limit', 'none');
  expect(sentLimit(upstream)).toBe(64);
});

test('a soft budget refuses nothing and tells each of its alerts once', async () => {
  const budgets = [{ ...DAY, mode: 'soft' as const, limitUsd: '0.001', alertAt: [0.5, 1] }];
  const { openai, events } = await startLibraryStack({ budgets });
  for (let number = 0; number < 12; number += 1) await ask(openai, `question ${number}`); // oxlint-disable-line no-await-in-loop
  const alerts = () => events.flatMap((event) => (event.kind === 'budget-alert' ? [event.alert.ratio] : []));
  await expect.poll(alerts, { timeout: 5000 }).toEqual([0.5, 1]);
});

test('what was spent in a folder counts when the program starts again, also under a budget that is new', async () => {
  const storage = mkdtempSync(join(tmpdir(), 'farthing-budgets-'));
  onTestFinished(() => rmSync(storage, { recursive: true, force: true }));
  const first = await startLibraryStack({ storage, budgets: [DAY] });
  await spend(first.openai);
  await first.farthing.close();
  const again = await startLibraryStack({ storage, budgets: [DAY], cache: false });
  await expect(ask(again.openai, 'more')).rejects.toMatchObject({ status: 402 });
  await again.farthing.close();
  const other = await startLibraryStack({ storage, budgets: [{ ...DAY, name: 'week', window: 'week' }], cache: false });
  await expect(ask(other.openai, 'more')).rejects.toMatchObject({ status: 402 });
});

test.each([
  ['a scope', { scope: 'everybody' }, 'scope'],
  ['a limit', { limitUsd: 'much' }, 'limitUsd'],
  ['a negative limit', { limitUsd: '-1' }, 'limitUsd'],
  ['a zone', { timezone: 'Mars/Olympus' }, 'timezone'],
  ['a window', { window: { rollingMs: 5 } }, 'rolling'],
  ['a name', { name: '' }, 'name'],
])('%s that cannot be read is told when the engine is made', (_what, change, field) => {
  let thrown: unknown;
  try {
    createFarthing({ budgets: [{ ...DAY, ...change }] });
  } catch (error) {
    thrown = error;
  }
  expect(isFarthingError(thrown) && thrown.code).toBe('configuration');
  expect((thrown as Error).message).toContain(field);
});
