import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { priceBookOf } from '../../test/support/price-book-of.ts';
import { findPrice, layerPriceBooks, snapshotBase } from './price-book.ts';
import { operatorPrices } from './price-operator.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');

function idOf(
  book: ReturnType<typeof priceBookOf>,
  model: string,
  atMs: number = NOW,
  provider = 'openai',
): string | undefined {
  return findPrice(book, { provider, model }, atMs)?.id;
}

test('a name matches exactly or as a dated snapshot', () => {
  const book = priceBookOf({ id: 'a', models: ['gpt-4o'], usdPerMillion: { input: '1' } });
  for (const model of ['gpt-4o', 'gpt-4o-2024-08-06', 'gpt-4o-20240806', 'gpt-4o@20240806'])
    expect(idOf(book, model)).toBe('a');
});

test('a name never matches by a looser prefix', () => {
  const book = priceBookOf(
    { id: 'sonnet', models: ['claude-sonnet-5'], usdPerMillion: { input: '2' } },
    { id: 'gpt', models: ['gpt-5'], usdPerMillion: { input: '1.25' } },
  );
  const strangers = [
    'claude-sonnet-5-5',
    'claude-sonnet-5-5-20260928',
    'gpt-5.6',
    'gpt-5-mini',
    'gpt-5-2024',
    'gpt-5-2024-13-01',
    'gpt-5-2024-08-06-preview',
    'gpt-5-2024-08-06-2024-08-06',
    'GPT-5',
    'gpt-',
    '',
    '__proto__',
    'constructor',
  ];
  expect(strangers.filter((model) => idOf(book, model) !== undefined)).toEqual([]);
});

test('whatever is put behind a name, only a date keeps its price', () => {
  const book = priceBookOf({ id: 'a', models: ['gpt-5'], usdPerMillion: { input: '1' } });
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 12 }), (tail) => {
      const model = `gpt-5${tail}`;
      expect(idOf(book, model)).toBe(snapshotBase(model) === 'gpt-5' ? 'a' : undefined);
    }),
  );
});

test('a snapshot with a price of its own has that one', () => {
  const book = priceBookOf(
    { id: 'alias', models: ['gpt-4o'], usdPerMillion: { input: '2.5' } },
    { id: 'first', models: ['gpt-4o-2024-05-13'], usdPerMillion: { input: '5' } },
  );
  expect(idOf(book, 'gpt-4o-2024-05-13')).toBe('first');
});

test("Google's resource name is the model's name", () => {
  const book = priceBookOf({ id: 'a', provider: 'google', models: ['gemini-2.5-pro'], usdPerMillion: { input: '1' } });
  expect(idOf(book, 'models/gemini-2.5-pro', NOW, 'google')).toBe('a');
});

test('a price holds from midnight UTC of its first day until midnight of the day on which it ends', () => {
  const book = priceBookOf(
    { id: 'new', models: ['m'], from: '2026-08-21', until: '2026-09-01', usdPerMillion: { input: '4' } },
    { id: 'old', models: ['m'], until: '2026-08-21', usdPerMillion: { input: '5' } },
  );
  expect(idOf(book, 'm', Date.parse('2026-08-20T23:59:59.999Z'))).toBe('old');
  expect(idOf(book, 'm', Date.parse('2026-08-21T00:00:00Z'))).toBe('new');
  expect(idOf(book, 'm', Date.parse('2026-08-31T23:59:59.999Z'))).toBe('new');
  expect(idOf(book, 'm', Date.parse('2026-09-01T00:00:00Z'))).toBeUndefined();
});

test('of two prices that hold, the later dated wins, whatever their order in the file', () => {
  const early = { id: 'early', models: ['m'], usdPerMillion: { input: '5' } };
  const late = { id: 'late', models: ['m'], from: '2026-01-01', usdPerMillion: { input: '4' } };
  expect(idOf(priceBookOf(early, late), 'm')).toBe('late');
  expect(idOf(priceBookOf(late, early), 'm')).toBe('late');
});

test('of layers the last one that has a price at the time wins', () => {
  const shipped = priceBookOf(
    { id: 'shipped-a', models: ['a'], from: '2026-06-01', usdPerMillion: { input: '1' } },
    { id: 'shipped-b', models: ['b'], usdPerMillion: { input: '1' } },
  );
  const feed = priceBookOf({ id: 'feed-b', models: ['b'], usdPerMillion: { input: '2' } });
  const operator = priceBookOf({ id: 'own-a', models: ['a'], from: '2026-11-01', usdPerMillion: { input: '3' } });
  const book = layerPriceBooks(shipped, feed, operator);
  expect(idOf(book, 'a')).toBe('own-a');
  expect(idOf(book, 'a', Date.parse('2026-10-31'))).toBe('shipped-a');
  expect(idOf(book, 'a', Date.parse('2026-05-31'))).toBeUndefined();
  expect(idOf(book, 'b')).toBe('feed-b');
  expect(book.version).toBe('test+test+test');
  expect(layerPriceBooks(shipped)).toBe(shipped);
});

describe('a provider by its configured name', () => {
  const list = priceBookOf({ id: 'list', models: ['m', 'n'], usdPerMillion: { input: '1' } });
  const book = layerPriceBooks(
    list,
    undefined,
    operatorPrices({ 'backup/m': { input: '2' }, 'openai/m': { input: '3' } }),
  );
  const find = (provider: string, model: string, vendor: string | undefined): string | undefined =>
    findPrice(book, { provider, model, vendor }, NOW)?.id;

  test("has the operator's price for it, else its vendor's", () => {
    expect(find('backup', 'm', 'openai')).toBe('backup/m');
    expect(find('backup', 'n', 'openai')).toBe('list');
    expect(find('third', 'm', 'openai')).toBe('list');
  });

  test('of an unknown vendor has no list price, whatever it is called', () => {
    expect(find('backup', 'n', undefined)).toBeUndefined();
    expect(find('openai', 'n', undefined)).toBeUndefined();
    expect(find('openai', 'n', 'openrouter')).toBeUndefined();
    expect(find('openai', 'm', undefined)).toBe('openai/m');
  });
});

test('endless new model names do not grow the memory of a book without bound', () => {
  const book = priceBookOf({ id: 'a', models: ['m'], usdPerMillion: { input: '1' } });
  for (let round = 0; round < 10_050; round += 1) expect(idOf(book, `unknown-${round}`)).toBeUndefined();
  expect(idOf(book, 'm-2026-01-01')).toBe('a');
});
