import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { priceBookOf } from '../../test/support/price-book-of.ts';
import { inputTokensOf, outputTokensOf, USAGE_BUCKETS, usageOf } from './model/usage.ts';
import type { PriceBook } from './price-book.ts';
import { shippedPriceBook } from './price-book-shipped.ts';
import { upperBound } from './price-upper-bound.ts';
import { priceUsage } from './price-usage.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const TARGET = { provider: 'openai', model: 'm' };
/** Room for rounding: half a nano-dollar for each bucket. */
const SLACK = 7;

test('no usage within the bound, on any terms that have a price, costs more than the bound', () => {
  const book = shippedPriceBook();
  const counts = fc.record(
    Object.fromEntries(
      USAGE_BUCKETS.filter((bucket) => bucket !== 'webSearch').map((bucket) => [
        bucket,
        fc.oneof(fc.constant(0), fc.nat(40_000)),
      ]),
    ),
  );
  const terms = fc.record({
    serviceTier: fc.constantFrom('default', 'flex', 'batch', 'priority', 'fast'),
    geo: fc.constantFrom('global', 'us'),
    speed: fc.constantFrom('standard', 'fast'),
  });
  const moment = fc.integer({ min: Date.parse('2026-08-01'), max: Date.parse('2027-02-01') });
  fc.assert(
    fc.property(
      fc.constantFrom(...book.entries),
      counts,
      terms,
      moment,
      ({ provider, models }, buckets, served, atMs) => {
        const target = { provider, model: models[0] ?? '' };
        const usage = usageOf(buckets);
        const priced = priceUsage(book, target, usage, served, atMs);
        const size = { inputTokens: inputTokensOf(usage), maxOutputTokens: outputTokensOf(usage) };
        const bound = upperBound(book, target, size, atMs);
        expect(priced.kind === 'unpriced' || bound === undefined || priced.amount <= bound).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

/** Prices of any height for all buckets: images dearer than text, tiers that are cheaper than the one before, discounts and surcharges. */
function arbitraryBook(): fc.Arbitrary<PriceBook> {
  const price = fc.integer({ min: 0, max: 50_000 }).map((millionths) => (millionths / 1_000).toFixed(3));
  const tokenBuckets = USAGE_BUCKETS.filter((bucket) => bucket !== 'webSearch');
  const table = fc
    .record(Object.fromEntries(tokenBuckets.map((bucket) => [bucket, price])))
    .map((prices) => Object.assign({ input: '1', output: '2' }, prices));
  const ratio = fc.constantFrom('0.1', '0.5', '1.1', '2', '6');
  return fc
    .record({
      usdPerMillion: table,
      tiers: fc.uniqueArray(
        fc.record({ aboveTokens: fc.integer({ min: 1, max: 200_000 }), inclusive: fc.boolean(), usdPerMillion: table }),
        { maxLength: 2, selector: (tier) => tier.aboveTokens },
      ),
      serviceTiers: fc.record({ priority: ratio, flex: ratio }),
      geos: fc.record({ us: ratio }),
      speeds: fc.record({ fast: ratio }),
    })
    .map((entry) =>
      priceBookOf({
        models: ['m'],
        ...entry,
        tiers: entry.tiers.toSorted((left, right) => left.aboveTokens - right.aboveTokens),
      }),
    );
}

test('no usage of any kind costs more than a bound that is at least as large, at any prices', () => {
  const counts = fc.record(
    Object.fromEntries(
      USAGE_BUCKETS.filter((bucket) => bucket !== 'webSearch').map((bucket) => [
        bucket,
        fc.oneof(fc.constant(0), fc.nat(60_000)),
      ]),
    ),
  );
  const terms = fc.record({
    serviceTier: fc.constantFrom('default', 'flex', 'priority'),
    geo: fc.constantFrom('global', 'us'),
    speed: fc.constantFrom('standard', 'fast'),
  });
  fc.assert(
    fc.property(
      arbitraryBook(),
      counts,
      terms,
      fc.nat(100_000),
      fc.nat(10_000),
      (book, buckets, served, more, longer) => {
        const usage = usageOf(buckets);
        const cost = priceUsage(book, TARGET, usage, served, NOW);
        const size = { inputTokens: inputTokensOf(usage) + more, maxOutputTokens: outputTokensOf(usage) + longer };
        expect(cost.kind === 'priced' ? cost.amount : Infinity).toBeLessThanOrEqual(
          upperBound(book, TARGET, size, NOW) ?? -1,
        );
      },
    ),
    { numRuns: 1_000 },
  );
});

test('the bound takes the dearest tier that the input can reach, and no dearer one', () => {
  const book = priceBookOf({
    models: ['m'],
    usdPerMillion: { input: '1', output: '2' },
    tiers: [{ aboveTokens: 1_000, inclusive: true, usdPerMillion: { input: '2', output: '3' } }],
  });
  const bound = (inputTokens: number): number | undefined =>
    upperBound(book, TARGET, { inputTokens, maxOutputTokens: 10 }, NOW);
  expect(bound(999)).toBe(999_000 + 20_000 + SLACK);
  expect(bound(1_000)).toBe(2_000_000 + 30_000 + SLACK);
});

test('the bound takes cache writes and the dearest terms, and rounds up', () => {
  const book = priceBookOf({
    models: ['m'],
    usdPerMillion: { input: '0.000001', cacheWrite5m: '0.000002', output: '0' },
    serviceTiers: { flex: '0.5', priority: '2.5' },
    geos: { us: '1.1' },
  });
  expect(upperBound(book, TARGET, { inputTokens: 1, maxOutputTokens: 1 }, NOW)).toBe(1 + SLACK);
  expect(upperBound(book, TARGET, { inputTokens: 1_000_000, maxOutputTokens: 0 }, NOW)).toBe(5_500 + SLACK);
});

test('what has no price has no bound', () => {
  const book = priceBookOf({ models: ['m'], usdPerMillion: { input: '1' } });
  expect(upperBound(book, TARGET, { inputTokens: 1, maxOutputTokens: 1 }, NOW)).toBeUndefined();
  expect(upperBound(book, TARGET, { inputTokens: 1, maxOutputTokens: 0 }, NOW)).toBe(1_000 + SLACK);
  expect(
    upperBound(book, { provider: 'openai', model: 'x' }, { inputTokens: 1, maxOutputTokens: 0 }, NOW),
  ).toBeUndefined();
});
