import { expect, test } from 'vitest';
import { usageOf } from './model/usage.ts';
import { layerPriceBooks } from './price-book.ts';
import { shippedPriceBook } from './price-book-shipped.ts';
import { operatorPrices } from './price-operator.ts';
import { priceUsage } from './price-usage.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');

test('a target is split at the first slash, and its price holds from its day on', () => {
  const book = operatorPrices({
    'backup/openai/gpt-5.4-mini': { input: '0.75', cacheRead: '0.075', output: '4.5', from: '2026-11-01' },
  });
  const target = { provider: 'backup', model: 'openai/gpt-5.4-mini' };
  const usage = usageOf({ input: 1_000, cacheRead: 1_000, output: 100 });
  expect(priceUsage(book, target, usage, {}, NOW)).toEqual({
    kind: 'priced',
    amount: 750_000 + 75_000 + 450_000,
    parts: { input: 750_000, cacheRead: 75_000, output: 450_000 },
    entryId: 'operator:backup/openai/gpt-5.4-mini@2026-11-01',
  });
  expect(priceUsage(book, target, usage, {}, Date.parse('2026-10-31T23:59:59Z'))).toEqual({
    kind: 'unpriced',
    reason: 'model',
  });
});

test('the operator wins over the shipped book, also for the snapshots of a model', () => {
  const book = layerPriceBooks(
    shippedPriceBook(),
    undefined,
    operatorPrices({ 'openai/gpt-4o': { input: '7', output: '8' } }),
  );
  for (const model of ['gpt-4o', 'gpt-4o-2024-08-06']) {
    expect(priceUsage(book, { provider: 'openai', model }, usageOf({ input: 1 }), {}, NOW)).toMatchObject({
      amount: 7_000,
    });
  }
});

test('reads without a price are input; writes and audio without one are unpriced', () => {
  const book = operatorPrices({ 'own/m': { input: '1', output: undefined } });
  const price = (bucket: string): unknown =>
    priceUsage(book, { provider: 'own', model: 'm' }, usageOf({ [bucket]: 10 }), {}, NOW);
  expect(price('cacheRead')).toMatchObject({ amount: 10_000 });
  expect(price('inputImage')).toMatchObject({ amount: 10_000 });
  for (const bucket of ['cacheWrite5m', 'cacheWrite30m', 'inputAudio', 'output'])
    expect(price(bucket)).toMatchObject({ reason: 'bucket' });
});

test('batches and flex cost what the operator says; unsaid they are unpriced', () => {
  const target = { provider: 'own', model: 'm' };
  const usage = usageOf({ input: 3 });
  const stated = operatorPrices({ 'own/m': { input: '1', batchRatio: '0.5', flexRatio: '0.6' } });
  const price = (book: typeof stated, serviceTier: string): unknown =>
    priceUsage(book, target, usage, { serviceTier }, NOW);
  expect(price(stated, 'batch')).toMatchObject({ amount: 1_500 });
  expect(price(stated, 'flex')).toMatchObject({ amount: 1_800 });
  expect(price(operatorPrices({ 'own/m': { input: '1' } }), 'batch')).toMatchObject({ reason: 'terms' });
  expect(() => operatorPrices({ 'a/b': { input: '1', batchRatio: 'half' } })).toThrow(/^prices\.a\/b: .*multiplier/);
});

test('a fault names the target and what is wrong', () => {
  expect(() => operatorPrices({ 'gpt-5': { input: '1' } })).toThrow('prices.gpt-5: is not provider/model');
  expect(() => operatorPrices({ 'a/b': { output: '1' } })).toThrow('prices.a/b: "input" is missing');
  expect(() => operatorPrices({ 'a/b': { input: 'cheap' } })).toThrow(/^prices\.a\/b: "cheap" is not a price/);
  expect(() => operatorPrices({ 'a/b': { input: '1', from: 'today' } })).toThrow(/^prices\.a\/b: "today" is not a day/);
  const misspelt: Record<string, string> = { input: '1', outptu: '2' };
  expect(() => operatorPrices({ 'a/b': misspelt })).toThrow(/^prices\.a\/b: "outptu" is not a bucket/);
});
