import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { picoUsd } from './money.ts';
import {
  formatPricePerMillion,
  isDearer,
  multiplyRatios,
  parsePricePerMillion,
  parseRatio,
  scaledCost,
  UNIT_RATIO,
} from './price-ratio.ts';

test('a dollar per million units is a million pico-dollars per unit', () => {
  expect(parsePricePerMillion('1')).toBe(1_000_000);
  expect(parsePricePerMillion('0.0375')).toBe(37_500);
  expect(parsePricePerMillion('0.003625')).toBe(3_625);
  expect(parsePricePerMillion('0')).toBe(0);
});

test('a price that is not plain decimal text, or finer than a pico-dollar, is refused', () => {
  for (const text of ['', '-1', '1e3', '0.0000001', '1,5', '.5', '1.', 'free', '0x10']) {
    expect(() => parsePricePerMillion(text)).toThrow(/is not a price/);
  }
});

test('prices survive writing and reading', () => {
  fc.assert(
    fc.property(fc.nat(2_000_000_000), (price) => {
      expect(parsePricePerMillion(formatPricePerMillion(picoUsd(price)))).toBe(price);
    }),
  );
});

test('multipliers are exact', () => {
  expect(parseRatio('1.7')).toEqual({ numerator: 17, denominator: 10 });
  expect(multiplyRatios(parseRatio('0.5'), parseRatio('1.1'))).toEqual({ numerator: 55, denominator: 100 });
  expect(isDearer(parseRatio('1.7'), parseRatio('1.65'))).toBe(true);
  expect(() => parseRatio('half')).toThrow(/is not a multiplier/);
});

test('a scaled cost is the exact product, rounded once', () => {
  const numbers = [fc.nat(2_000_000), fc.nat(200_000_000), fc.integer({ min: 1, max: 99_999 })] as const;
  fc.assert(
    fc.property(...numbers, (units, price, numerator) => {
      const ratio = { numerator, denominator: 10_000 };
      const exact = BigInt(units) * BigInt(price) * BigInt(numerator);
      expect(BigInt(scaledCost(units, picoUsd(price), ratio))).toBe((exact + 5_000_000n) / 10_000_000n);
      expect(BigInt(scaledCost(units, picoUsd(price), ratio, 'up'))).toBe((exact + 9_999_999n) / 10_000_000n);
    }),
  );
  expect(scaledCost(1, picoUsd(3_625), parseRatio('0.5'))).toBe(2);
  expect(scaledCost(1, picoUsd(3_625), UNIT_RATIO)).toBe(4);
});
