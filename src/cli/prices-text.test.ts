import { describe, expect, test } from 'vitest';
import { priceBookOf } from '../../test/support/price-book-of.ts';
import { type ServedTerms, usageOf } from '../core/model/usage.ts';
import { shippedPriceBook } from '../core/price-book-shipped.ts';
import { diffPrices, explainPrice, showPrice, showPrices, targetOf } from './prices-text.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const book = shippedPriceBook();

/** The lines of one model in the list. */
function solLines(atMs: number): readonly string[] {
  return showPrices(book, atMs)
    .split('\n')
    .filter((line) => line.startsWith('openai/gpt-5.6-sol '));
}

function why(model: string, terms: ServedTerms): string {
  return explainPrice(book, { provider: 'openai', model }, usageOf({ inputAudio: 1 }), terms, NOW);
}

describe('show', () => {
  test('lists each model once, at its price of the day', () => {
    expect(solLines(NOW)).toHaveLength(1);
    expect(solLines(NOW)[0]).toMatch(/ 4 +0\.4 +5 +20 +>=272000 +2026-08-21 +2026-09-23$/);
    expect(solLines(Date.parse('2026-08-01'))[0]).toMatch(/ 5 +0\.5 +6\.25 +30 /);
  });

  test('says everything about one model, its source and its limits', () => {
    const text = showPrice(book, 'deepseek-v4-pro', NOW);
    expect(text).toMatch(/^cacheRead +0\.022$/m);
    expect(text).toMatch(/^01:00-04:00 UTC Mon Tue Wed Thu Fri +x 2$/m);
    expect(text).toContain('source: https://api-docs.deepseek.com');
    expect(text).toContain('context window: 1000000 tokens');
  });

  test('says that a model without a price is unpriced', () => {
    expect(showPrice(book, 'gpt-99', NOW)).toBe(
      'No price for gpt-99: calls to it are unpriced until prices: in the configuration says what it costs.',
    );
  });
});

test('a target is read as provider/model where that has a price, else as a model name of its own', () => {
  expect(targetOf(book, 'openai/gpt-5.5', NOW)).toEqual({ provider: 'openai', model: 'gpt-5.5' });
  expect(targetOf(book, 'gpt-5.5', NOW)).toEqual({ provider: 'openai', model: 'gpt-5.5' });
  expect(targetOf(book, 'openai/gpt-oss-120b', NOW)).toEqual({ provider: 'groq', model: 'openai/gpt-oss-120b' });
  const feed = priceBookOf({ provider: 'new', models: ['gpt-99'], usdPerMillion: { input: '1' } });
  expect(targetOf(feed, 'gpt-99', NOW)).toEqual({ provider: 'new', model: 'gpt-99' });
  expect(targetOf(book, 'own/model', NOW)).toEqual({ provider: 'own', model: 'model' });
});

describe('diff', () => {
  const before = priceBookOf({ id: 'a', models: ['a'], usdPerMillion: { input: '1', output: '2' } });
  const after = priceBookOf(
    { id: 'a', models: ['a'], usdPerMillion: { input: '1', output: '3' } },
    { id: 'b', models: ['b'], usdPerMillion: { input: '0.5' } },
  );

  test('names each bucket whose price differs, and entries that are new', () => {
    expect(diffPrices(before, after).split('\n').slice(2)).toEqual([
      'a      output     2     3',
      'b      input      -   0.5',
    ]);
  });

  test('says when nothing differs', () => {
    expect(diffPrices(before, before)).toBe('No base price differs between test and test.');
  });
});

describe('explain', () => {
  test('shows each part, and that they sum to the total', () => {
    const usage = usageOf({ input: 90_000, cacheRead: 20_000, output: 500 });
    const target = { provider: 'anthropic', model: 'claude-haiku-5-5' };
    const lines = explainPrice(book, target, usage, { serviceTier: 'batch' }, NOW).split('\n');
    expect(lines[0]).toBe(
      'anthropic/claude-haiku-5-5 at 2026-11-23T12:00:00.000Z, priced with 2026-11-23:anthropic/claude-haiku-5-5',
    );
    expect(lines.slice(3, 7)).toEqual([
      'input      90000    0.0225',
      'cacheRead  20000    0.0005',
      'output       500  0.000625',
      'total             0.023625',
    ]);
  });

  test('says why something is unpriced', () => {
    expect(why('gpt-99', {})).toMatch(/is unpriced: the model has no price\.$/);
    expect(why('gpt-5.5', {})).toMatch(/a bucket in use has no price\.$/);
    expect(why('gpt-5.5', { serviceTier: 'scale' })).toMatch(/the served terms have no price\.$/);
  });
});
