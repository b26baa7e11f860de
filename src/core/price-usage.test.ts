import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { priceBookOf } from '../../test/support/price-book-of.ts';
import { type Usage, USAGE_BUCKETS, usageOf } from './model/usage.ts';
import { shippedPriceBook } from './price-book-shipped.ts';
import { type Priced, priceUsage } from './price-usage.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const TARGET = { provider: 'openai', model: 'm' };

function amountOf(priced: Priced): number | string {
  return priced.kind === 'priced' ? priced.amount : priced.reason;
}

const tiered = priceBookOf({
  models: ['m'],
  usdPerMillion: { input: '5', cacheRead: '0.5', output: '30', webSearch: '10000' },
  tiers: [{ aboveTokens: 272_000, inclusive: true, usdPerMillion: { input: '10', cacheRead: '1', output: '45' } }],
  serviceTiers: { flex: '0.5', priority: '2.5' },
  geos: { us: '1.1' },
  speeds: { fast: '6' },
});

describe('context tiers', () => {
  test('the whole request has the price of its tier: 272,000 is in it, 271,999 is not', () => {
    expect(amountOf(priceUsage(tiered, TARGET, usageOf({ input: 271_999, output: 1 }), {}, NOW))).toBe(
      271_999 * 5_000 + 30_000,
    );
    expect(amountOf(priceUsage(tiered, TARGET, usageOf({ input: 272_000, output: 1 }), {}, NOW))).toBe(
      272_000 * 10_000 + 45_000,
    );
  });

  test('a threshold that is not inclusive starts one token later', () => {
    const book = priceBookOf({
      models: ['m'],
      usdPerMillion: { input: '1' },
      tiers: [{ aboveTokens: 100, usdPerMillion: { input: '2' } }],
    });
    expect(amountOf(priceUsage(book, TARGET, usageOf({ input: 100 }), {}, NOW))).toBe(100_000);
    expect(amountOf(priceUsage(book, TARGET, usageOf({ input: 101 }), {}, NOW))).toBe(202_000);
  });

  test('cached tokens count toward the threshold', () => {
    const usage = usageOf({ input: 1, cacheRead: 271_999 });
    expect(amountOf(priceUsage(tiered, TARGET, usage, {}, NOW))).toBe(10_000 + 271_999 * 1_000);
  });
});

describe('terms', () => {
  const usage = usageOf({ input: 1_000, output: 100, webSearch: 1 });
  const tokens = 1_000 * 5_000 + 100 * 30_000;
  const search = 10_000_000;

  test('multipliers of tier, speed and geography hold for tokens, not for searches', () => {
    expect(amountOf(priceUsage(tiered, TARGET, usage, {}, NOW))).toBe(tokens + search);
    expect(amountOf(priceUsage(tiered, TARGET, usage, { serviceTier: 'flex' }, NOW))).toBe(tokens / 2 + search);
    const all = { serviceTier: 'priority', speed: 'fast', geo: 'us' };
    expect(amountOf(priceUsage(tiered, TARGET, usage, all, NOW))).toBe(tokens * 2.5 * 6 * 1.1 + search);
  });

  test('the words for the list price change nothing', () => {
    for (const serviceTier of ['default', 'standard', 'auto', 'on_demand', '', 'Default']) {
      expect(amountOf(priceUsage(tiered, TARGET, usage, { serviceTier, geo: 'global', speed: 'standard' }, NOW))).toBe(
        tokens + search,
      );
    }
  });

  test('a term without a price is unpriced, never the list price', () => {
    for (const terms of [{ serviceTier: 'scale' }, { geo: 'eu' }, { speed: 'warp' }, { serviceTier: 'constructor' }]) {
      expect(amountOf(priceUsage(tiered, TARGET, usage, terms, NOW))).toBe('terms');
    }
  });
});

describe('hours', () => {
  const book = priceBookOf({
    models: ['m'],
    usdPerMillion: { input: '1' },
    windows: [{ weekdays: [1, 2, 3, 4, 5], from: '01:00', until: '04:00', multiplier: '2' }],
  });
  const at = (moment: string): number | string =>
    amountOf(priceUsage(book, TARGET, usageOf({ input: 1_000 }), {}, Date.parse(moment)));

  test('a window opens on its minute and closes before its last', () => {
    expect(at('2026-11-23T00:59:59.999Z')).toBe(1_000_000);
    expect(at('2026-11-23T01:00:00Z')).toBe(2_000_000);
    expect(at('2026-11-23T03:59:59.999Z')).toBe(2_000_000);
    expect(at('2026-11-23T04:00:00Z')).toBe(1_000_000);
  });

  test('a window stays shut on other days', () => {
    expect(at('2026-11-27T02:00:00Z')).toBe(2_000_000); // Friday
    expect(at('2026-11-28T02:00:00Z')).toBe(1_000_000); // Saturday
    expect(at('2026-11-29T02:00:00Z')).toBe(1_000_000); // Sunday
    expect(at('1969-12-31T02:00:00Z')).toBe(2_000_000); // a Wednesday before the epoch
  });
});

describe('unpriced', () => {
  test('a model without an entry is unpriced', () => {
    expect(priceUsage(tiered, { provider: 'openai', model: 'other' }, usageOf({}), {}, NOW)).toEqual({
      kind: 'unpriced',
      reason: 'model',
    });
  });

  test('a bucket in use without a price is unpriced, an empty one is not', () => {
    expect(amountOf(priceUsage(tiered, TARGET, usageOf({ input: 1, inputAudio: 1 }), {}, NOW))).toBe('bucket');
    expect(amountOf(priceUsage(tiered, TARGET, usageOf({ input: 1, inputAudio: 0 }), {}, NOW))).toBe(5_000);
  });

  test('a bucket has the price of another one only where the entry says so', () => {
    const book = priceBookOf({
      models: ['m'],
      usdPerMillion: { input: '3' },
      billedAs: { cacheReadImage: 'cacheRead', cacheRead: 'input' },
    });
    const priced = priceUsage(book, TARGET, usageOf({ cacheReadImage: 10, cacheRead: 1 }), {}, NOW);
    expect(amountOf(priced)).toBe(33_000);
  });
});

describe('a cost that the provider stated', () => {
  test('wins over the book, also for a model without a price', () => {
    const priced = priceUsage(
      tiered,
      { provider: 'openrouter', model: 'x' },
      usageOf({ input: 5 }),
      { statedCostUsd: '0.0000123456' },
      NOW,
    );
    expect(priced).toEqual({ kind: 'priced', amount: 12_346, parts: {}, entryId: 'stated' });
  });

  test('is ignored when it cannot be read', () => {
    expect(amountOf(priceUsage(tiered, TARGET, usageOf({ input: 1 }), { statedCostUsd: 'free' }, NOW))).toBe(5_000);
  });
});

describe('any usage of any shipped model', () => {
  const book = shippedPriceBook();
  const entry = fc.constantFrom(...book.entries);
  const counts = fc.record(
    Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, fc.oneof(fc.constant(0), fc.nat(400_000))])),
  );
  const terms = fc.record({
    serviceTier: fc.constantFrom('default', 'flex', 'batch', 'priority'),
    geo: fc.constantFrom('global', 'us'),
  });
  const moment = fc.integer({ min: Date.parse('2024-01-01'), max: Date.parse('2028-01-01') });

  test('costs whole nano-dollars, and the parts sum to the amount', () => {
    fc.assert(
      fc.property(entry, counts, terms, moment, ({ provider, models }, buckets, served, atMs) => {
        const priced = priceUsage(book, { provider, model: models[0] ?? '' }, usageOf(buckets), served, atMs);
        if (priced.kind === 'unpriced') return;
        const parts = Object.values(priced.parts);
        expect(parts.every((part) => Number.isSafeInteger(part) && part >= 0)).toBe(true);
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(priced.amount);
      }),
    );
  });

  test('never costs less for more', () => {
    fc.assert(
      fc.property(
        entry,
        counts,
        fc.constantFrom(...USAGE_BUCKETS),
        fc.nat(300_000),
        ({ provider, models }, buckets, bucket, more) => {
          const price = (usage: Usage): Priced =>
            priceUsage(book, { provider, model: models[0] ?? '' }, usage, {}, NOW);
          const less = usageOf(buckets);
          const before = price(less);
          const after = price({ ...less, [bucket]: less[bucket] + more });
          const isUnpriced = before.kind === 'unpriced' || after.kind === 'unpriced';
          expect(isUnpriced || after.amount >= before.amount).toBe(true);
        },
      ),
    );
  });
});
