import { describe, expect, test } from 'vitest';
import { type Usage, usageOf } from './model/usage.ts';
import { findPrice } from './price-book.ts';
import { shippedPriceBook } from './price-book-shipped.ts';
import { formatPricePerMillion } from './price-ratio.ts';
import { type Priced, priceUsage } from './price-usage.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const book = shippedPriceBook();

function dollars(provider: string, model: string, atMs: number = NOW): readonly (string | undefined)[] {
  const prices = findPrice(book, { provider, model }, atMs)?.prices ?? {};
  const write = prices.cacheWrite30m ?? prices.cacheWrite5m;
  return [prices.input, prices.output, prices.cacheRead, write, prices.cacheWrite1h].map((price) =>
    price === undefined ? undefined : formatPricePerMillion(price),
  );
}

function priced(
  provider: string,
  model: string,
  usage: Partial<Usage>,
  terms: object = {},
  atMs: number = NOW,
): Priced {
  return priceUsage(book, { provider, model }, usageOf(usage), terms, atMs);
}

/** A thousand input tokens on the given terms. */
function thousand(provider: string, model: string, terms: object): Priced {
  return priced(provider, model, { input: 1_000 }, terms);
}

function deepseekAt(moment: string): Priced {
  return priced('deepseek', 'deepseek-v4-pro', { input: 1_000 }, {}, Date.parse(moment));
}

describe('list prices of November 2026: input, output, read, write, 1 h write', () => {
  test.each([
    ['openai', 'gpt-6.2-astra', ['8', '40', '0.4', '10', undefined]],
    ['openai', 'gpt-6.2-sol', ['2', '10', '0.1', '2.5', undefined]],
    ['openai', 'gpt-6.1-sol-2026-09-29', ['2', '10', '0.1', '2.5', undefined]],
    ['openai', 'gpt-5.6-sol', ['4', '20', '0.4', '5', undefined]],
    ['openai', 'gpt-5.5', ['5', '30', '0.5', '5', undefined]],
    ['openai', 'gpt-5.4-mini', ['0.75', '4.5', '0.075', '0.75', undefined]],
    ['openai', 'gpt-4o-mini', ['0.15', '0.6', '0.075', '0.15', undefined]],
    ['openai', 'text-embedding-3-small', ['0.02', undefined, '0.02', '0.02', undefined]],
    ['anthropic', 'claude-opus-5-5', ['4', '20', '0.2', '5', '8']],
    ['anthropic', 'claude-sonnet-5-5', ['2', '10', '0.1', '2.5', '4']],
    ['anthropic', 'claude-sonnet-5', ['2', '10', '0.2', '2.5', '4']],
    ['anthropic', 'claude-haiku-5-5', ['0.1', '0.5', '0.01', '0.125', '0.2']],
    ['anthropic', 'claude-haiku-4-5-20251001', ['1', '5', '0.1', '1.25', '2']],
    ['google', 'gemini-3.8-flash', ['0.75', '3.75', '0.075', '0.75', undefined]],
    ['deepseek', 'deepseek-v4-pro', ['0.66', '1.98', '0.022', '0.66', undefined]],
    ['mistral', 'mistral-medium-latest', ['1.5', '7.5', '0.15', '1.5', undefined]],
    ['groq', 'openai/gpt-oss-120b', ['0.15', '0.6', '0.075', '0.15', undefined]],
    ['x-ai', 'grok-4.6', ['2', '6', '0.5', '2', undefined]],
  ])('%s %s', (provider, model, expected) => {
    expect(dollars(provider, model)).toEqual(expected);
  });
});

test('a price that changed is that of the day: GPT-5.6 Sol on 20 and 21 August, Sonnet 5.5 on 6 and 7 October', () => {
  expect(dollars('openai', 'gpt-5.6-sol', Date.parse('2026-08-20T23:59:59Z'))[0]).toBe('5');
  expect(dollars('openai', 'gpt-5.6-sol', Date.parse('2026-08-21T00:00:00Z'))[0]).toBe('4');
  expect(dollars('anthropic', 'claude-sonnet-5-5', Date.parse('2026-10-06T23:59:59Z'))[2]).toBe('0.2');
  expect(dollars('anthropic', 'claude-sonnet-5-5', Date.parse('2026-10-07T00:00:00Z'))[2]).toBe('0.1');
});

test('successors that nobody has priced are unpriced', () => {
  for (const [provider, model] of [
    ['anthropic', 'claude-sonnet-6'],
    ['anthropic', 'claude-haiku-5'],
    ['anthropic', 'claude-sonnet-5-5-1'],
    ['openai', 'gpt-5.7'],
    ['openai', 'gpt-6.2-luna'],
    ['openai', 'gpt-oss-120b'],
    ['google', 'gemini-3.9-flash'],
  ] as const) {
    expect(priced(provider, model, { input: 1 })).toEqual({ kind: 'unpriced', reason: 'model' });
  }
});

test('Haiku 5.5 costs five times as much above 100,000 tokens, cached ones included', () => {
  expect(priced('anthropic', 'claude-haiku-5-5', { input: 100_000, output: 10 })).toMatchObject({
    amount: 10_000_000 + 5_000,
  });
  expect(priced('anthropic', 'claude-haiku-5-5', { input: 100_000, cacheRead: 1, output: 10 })).toMatchObject({
    amount: 50_000_000 + 50 + 25_000,
  });
});

test('the served tier decides: priority is 2.5x on GPT-5.5, 1.7x on 4o, 2x on GPT-6; flex and batch are half', () => {
  expect(thousand('openai', 'gpt-5.5', { serviceTier: 'priority' })).toMatchObject({ amount: 12_500_000 });
  expect(thousand('openai', 'gpt-4o', { serviceTier: 'priority' })).toMatchObject({ amount: 4_250_000 });
  expect(thousand('openai', 'gpt-6-sol', { serviceTier: 'priority' })).toMatchObject({ amount: 4_000_000 });
  expect(thousand('openai', 'gpt-5.5', { serviceTier: 'flex' })).toMatchObject({ amount: 2_500_000 });
  expect(thousand('anthropic', 'claude-sonnet-5', { serviceTier: 'batch' })).toMatchObject({ amount: 1_000_000 });
  expect(thousand('anthropic', 'claude-opus-5', { geo: 'us', speed: 'fast' })).toMatchObject({ amount: 11_000_000 });
  expect(thousand('anthropic', 'claude-sonnet-4-5', { geo: 'us' })).toMatchObject({ reason: 'terms' });
});

test('DeepSeek doubles in its peak hours on weekdays', () => {
  expect(deepseekAt('2026-11-23T07:00:00Z')).toMatchObject({ amount: 1_320_000 });
  expect(deepseekAt('2026-11-23T11:00:00Z')).toMatchObject({ amount: 660_000 });
  expect(deepseekAt('2026-11-22T07:00:00Z')).toMatchObject({ amount: 660_000 });
});

test('every entry has a source and a date, and no model stands in two entries at a time', () => {
  for (const entry of book.entries) {
    expect(entry.sourceUrl).toMatch(/^https:\/\//);
    expect(entry.checkedOn).toMatch(/^2026-\d\d-\d\d$/);
    for (const model of entry.models) {
      const others = book.entries.filter((other) => other.provider === entry.provider && other.models.includes(model));
      const starts = others.map((other) => other.validFromMs);
      expect(new Set(starts).size, `${entry.provider}/${model}`).toBe(starts.length);
    }
  }
});
