import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import type { FarthingOptions } from '../../src/client/create-farthing.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { type LibraryStack, startLibraryStack } from '../support/library-stack.ts';
import { type MixedRequest, promptMix, sendMixed } from '../support/prompt-mix.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

const total = (records: readonly CallRecord[], field: 'costNanoUsd' | 'baselineNanoUsd'): bigint =>
  records.reduce((sum, record) => sum + BigInt(record[field] ?? Number.NaN), 0n);

/** What the same requests cost a client that asks the provider itself. */
async function directCost(requests: readonly MixedRequest[]): Promise<bigint> {
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
  onTestFinished(() => upstream.close());
  const clients = {
    openai: new OpenAI({ apiKey: 'test', baseURL: `${upstream.origin}/v1`, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: 'test', baseURL: upstream.origin, maxRetries: 0 }),
  };
  // oxlint-disable-next-line no-await-in-loop -- in the same order
  for (const request of requests) await sendMixed(clients, request);
  return upstream.invoice().totalNanoUsd;
}

async function run(
  requests: readonly MixedRequest[],
  options: FarthingOptions,
  atOnce = 1,
): Promise<LibraryStack & { readonly refused: number }> {
  const stack = await startLibraryStack(options);
  let refused = 0;
  for (let start = 0; start < requests.length; start += atOnce) {
    const group = requests.slice(start, start + atOnce);
    // oxlint-disable-next-line no-await-in-loop -- in the same order
    const ends = await Promise.allSettled(group.map((request) => sendMixed(stack, request)));
    refused += ends.filter(({ status }) => status === 'rejected').length;
  }
  return { ...stack, refused };
}

function checkRecords(stack: LibraryStack): void {
  expect(total(stack.records, 'costNanoUsd')).toBe(stack.upstream.invoice().totalNanoUsd);
  checkParts(stack);
}

function checkParts({ records, events }: LibraryStack): void {
  for (const { savedParts, savedNanoUsd, baselineNanoUsd, costNanoUsd } of records) {
    expect(Object.values(savedParts ?? {}).reduce((sum, part) => sum + part, 0)).toBe(savedNanoUsd);
    expect((baselineNanoUsd ?? 0) - (costNanoUsd ?? 0)).toBe(savedNanoUsd);
  }
  expect(events.filter(({ kind }) => kind === 'internal-fault')).toEqual([]);
}

test('with breakpoints alone the baseline at Anthropic is to the nano-dollar what the provider would have charged', async () => {
  const requests = promptMix(1, 60, ['claude-sonnet-5', 'claude-haiku-4-5']);
  const stack = await run(requests, { optimize: { promptCache: 'auto' }, cache: false });
  checkRecords(stack);
  const direct = await directCost(requests);
  expect(total(stack.records, 'baselineNanoUsd')).toBe(direct);
  expect(total(stack.records, 'costNanoUsd')).toBeLessThan(direct);
});

test.each([
  [2, { level: 'lossless', promptCache: 'auto' }],
  [3, { level: 'structural', promptCache: 'off' }],
  [4, { level: 'light', promptCache: 'auto', historyMaxTokens: 3000 }],
  [5, { level: 'extractive', promptCache: 'auto', extract: { keepRatio: 0.5, minTokens: 100 } }],
] as const)('money adds up, and no baseline is above the direct bill: seed %i, %o', async (seed, optimize) => {
  const requests = promptMix(seed, 50, undefined);
  const stack = await run(requests, { optimize, cache: false });
  expect(stack.refused).toBe(0);
  checkRecords(stack);
  const direct = await directCost(requests);
  expect(Number(total(stack.records, 'baselineNanoUsd')) / Number(direct)).toBeLessThan(1.05);
});

test('with cache, fallbacks, hedges and calls at once all money is on the bill', async () => {
  const requests = promptMix(6, 60, undefined);
  const stack = await run(
    requests,
    {
      optimize: { level: 'structural', promptCache: 'auto', prefixWaitMs: 50 },
      models: {
        'gpt-5.4-mini': { targets: ['house/gpt-5.4-mini', 'openai/gpt-5.4-mini'] },
      },
      prices: { 'house/gpt-5.4-mini': { input: '0.75', cacheRead: '0.075', output: '4.5' } },
      resilience: { retries: 1, hedge: { percentileRatio: 0.5, minDelayMs: 1 } },
    },
    6,
  );
  expect(stack.refused).toBe(0);
  checkParts(stack);
  // An attempt that was called off is charged as an estimate, never below the bill.
  expect(total(stack.records, 'costNanoUsd')).toBeGreaterThanOrEqual(stack.upstream.invoice().totalNanoUsd);
});

test('no hard budget is passed while prompts are optimised, marked and counted', async () => {
  const limitUsd = '0.02';
  const requests = promptMix(7, 120, ['gpt-5.4-mini', 'claude-sonnet-5']);
  const stack = await run(
    requests,
    {
      optimize: { level: 'lossless', promptCache: 'auto', prefixWaitMs: 50 },
      cache: false,
      budgets: [{ name: 'all', limitUsd, window: 'total' }],
    },
    4,
  );
  checkRecords(stack);
  expect(stack.refused).toBeGreaterThan(0);
  const spent = stack.upstream.invoice().totalNanoUsd;
  expect(spent).toBeLessThanOrEqual(20_000_000n);
  expect(spent).toBeGreaterThan(10_000_000n);
});
