import fc from 'fast-check';
import { expect, test } from 'vitest';

import { nanoUsd, picoUsd } from '../money.ts';
import { type SummaryOffer, summaryWorth } from './summary-worth.ts';

/** 10,000 tokens at 3 dollars a million, summed up by a model of 0.10 and 0.50 dollars. */
const OFFER: SummaryOffer = {
  sourceTokens: 10_000,
  summaryTokens: 500,
  expectedUses: 1,
  inputPrice: picoUsd(3_000_000),
  summariserInputPrice: picoUsd(100_000),
  summariserOutputPrice: picoUsd(500_000),
  instructionTokens: 200,
  prefixCostUsd: nanoUsd(0),
};

test('a summary is worth what its uses save less what it costs', () => {
  expect(summaryWorth(OFFER)).toEqual({ isWorth: true, savedUsd: 28_500_000, costUsd: 1_270_000, netUsd: 27_230_000 });
});

test('cached tokens save a tenth, and a broken prefix costs: then it is not', () => {
  const cached = { ...OFFER, inputPrice: picoUsd(300_000) };
  expect(summaryWorth(cached)).toMatchObject({ isWorth: true, netUsd: 1_580_000 });
  expect(summaryWorth({ ...cached, prefixCostUsd: nanoUsd(1_580_000) })).toMatchObject({ isWorth: false, netUsd: 0 });
});

test('the summariser must not cost more than it saves', () => {
  expect(summaryWorth({ ...OFFER, summariserInputPrice: picoUsd(3_000_000) })).toMatchObject({ isWorth: false });
  expect(summaryWorth({ ...OFFER, summaryTokens: 20_000 })).toMatchObject({ isWorth: false, savedUsd: 0 });
});

test('more uses, more tokens and dearer input never make it less worth', () => {
  const amount = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(
    fc.property(amount, fc.double({ min: 0, max: 1000, noNaN: true }), amount, (sourceTokens, expectedUses, price) => {
      const offer = { ...OFFER, sourceTokens, expectedUses, inputPrice: picoUsd(price * 10) };
      const { netUsd, savedUsd, costUsd, isWorth } = summaryWorth(offer);
      expect(netUsd).toBe(savedUsd - costUsd);
      expect(isWorth).toBe(netUsd > 0);
      expect(summaryWorth({ ...offer, expectedUses: expectedUses + 1 }).netUsd).toBeGreaterThanOrEqual(netUsd);
    }),
  );
});
