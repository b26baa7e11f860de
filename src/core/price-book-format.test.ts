import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FarthingError } from './errors.ts';
import { parseDay, PRICE_BOOK_FORMAT, readPriceBook } from './price-book-format.ts';

const ENTRY = {
  id: 'openai/m',
  provider: 'openai',
  models: ['m'],
  usdPerMillion: { input: '1' },
  source: 'https://prices.example',
  checkedOn: '2026-11-23',
};

function bookWith(changes: Readonly<Record<string, unknown>>): unknown {
  return { format: PRICE_BOOK_FORMAT, version: '1', entries: [{ ...ENTRY, ...changes }] };
}

describe('a price book is read strictly', () => {
  const faults: readonly (readonly [name: string, changes: Readonly<Record<string, unknown>>, message: RegExp])[] = [
    ['an unknown key', { usdPerThousand: {} }, /entries\[0\]: unknown key "usdPerThousand"/],
    ['an unknown bucket', { usdPerMillion: { inptu: '1' } }, /\(openai\/m\)\.usdPerMillion: "inptu" is not a bucket/],
    ['a price that is a number', { usdPerMillion: { input: 1 } }, /usdPerMillion\.input: is not a text/],
    ['a price that is no decimal', { usdPerMillion: { input: '1e3' } }, /"1e3" is not a price/],
    ['a day that does not exist', { from: '2026-02-30' }, /"2026-02-30" is not a day/],
    ['no models', { models: [] }, /models: is empty/],
    ['a tier without a threshold', { tiers: [{ usdPerMillion: {} }] }, /aboveTokens: is not a whole number/],
    ['a multiplier that is no number', { serviceTiers: { flex: 'half' } }, /is not a multiplier/],
    [
      'a weekday that does not exist',
      { windows: [{ weekdays: [7], from: '01:00', until: '02:00', multiplier: '2' }] },
      /weekdays/,
    ],
    [
      'an hour that does not exist',
      { windows: [{ weekdays: [1], from: '25:00', until: '02:00', multiplier: '2' }] },
      /is not a time/,
    ],
    ['a payer that is no bucket', { billedAs: { cacheRead: 'money' } }, /"money" is not a bucket/],
  ];
  test.each(faults)('%s is refused by name', (_, changes, message) => {
    expect(() => readPriceBook(bookWith(changes))).toThrow(message);
  });

  test('another format and an id that is there twice are refused', () => {
    expect(() => readPriceBook({ format: 'litellm', version: '1', entries: [] })).toThrow(/format/);
    expect(() => readPriceBook({ format: PRICE_BOOK_FORMAT, version: '1', entries: [ENTRY, ENTRY] })).toThrow(
      /there twice/,
    );
  });

  test('anything else that is JSON is refused with a clear error', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => readPriceBook(value)).toThrow(FarthingError);
      }),
    );
  });
});

test('a tier takes the prices that it does not change from the base', () => {
  const tiers = [{ aboveTokens: 10, usdPerMillion: { input: '2' } }];
  const book = readPriceBook(bookWith({ usdPerMillion: { input: '1', webSearch: '10000' }, tiers }));
  expect(book.entries[0]?.tiers[0]?.prices).toEqual({ input: 2_000_000, webSearch: 10_000_000_000 });
});

test('buckets that pay for each other in a circle stay without a price', () => {
  const billedAs = { cacheRead: 'cacheReadImage', cacheReadImage: 'cacheRead' };
  expect(readPriceBook(bookWith({ billedAs })).entries[0]?.prices).toEqual({ input: 1_000_000 });
});

test('a day is midnight UTC', () => {
  expect(parseDay('2026-11-01')).toBe(Date.UTC(2026, 10, 1));
  for (const text of ['2026-11-1', '1.11.2026', '2026-13-01', '', '2026-11-01T00:00'])
    expect(() => parseDay(text)).toThrow(/is not a day/);
});
