import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addUsd, costOf, formatUsd, nanoUsd, parseUsd, picoUsd, subtractUsd } from './money.ts';

const amounts = fc.integer({ min: -9_000_000_000_000_000, max: 9_000_000_000_000_000 });

test('an amount survives being written and read', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      expect(parseUsd(formatUsd(nanoUsd(amount)))).toBe(amount);
    }),
  );
});

test('a cost is the exact product rounded half up, whatever its size', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2_000_000 }), fc.nat({ max: 4_000_000_000 }), (units, price) => {
      const exact = (BigInt(units) * BigInt(price) + 500n) / 1000n;
      expect(BigInt(costOf(units, picoUsd(price)))).toBe(exact);
    }),
  );
});

test('an upper bound rounds up and is never below the cost', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2_000_000 }), fc.nat({ max: 4_000_000_000 }), (units, price) => {
      const bound = costOf(units, picoUsd(price), 'up');
      expect(bound).toBeGreaterThanOrEqual(costOf(units, picoUsd(price)));
      expect(BigInt(bound)).toBe((BigInt(units) * BigInt(price) + 999n) / 1000n);
    }),
  );
});

test('half a nano-dollar rounds up, less rounds down', () => {
  expect(costOf(1, picoUsd(500))).toBe(1);
  expect(costOf(1, picoUsd(499))).toBe(0);
  expect(costOf(1, picoUsd(1), 'up')).toBe(1);
});

test('sums and differences stay whole', () => {
  expect(addUsd(nanoUsd(1), nanoUsd(2), nanoUsd(-3))).toBe(0);
  expect(subtractUsd(nanoUsd(1), nanoUsd(3))).toBe(-2);
});

test('dollars keep at least two decimals and lose none', () => {
  expect(formatUsd(nanoUsd(125))).toBe('0.000000125');
  expect(formatUsd(nanoUsd(1_500_000_000))).toBe('1.50');
  expect(formatUsd(nanoUsd(-10_000_000))).toBe('-0.01');
  expect(formatUsd(123_456_789_000_000_000_000n)).toBe('123456789000.00');
});

test.each(['', '1e3', '1,5', '0.0000000001', 'NaN', '--1', '12345678.0'])('"%s" is not an amount', (text) => {
  expect(() => parseUsd(text)).toThrow(RangeError);
});

test('fractions and unsafe numbers are refused', () => {
  expect(() => nanoUsd(0.5)).toThrow(RangeError);
  expect(() => nanoUsd(2 ** 53)).toThrow(RangeError);
  expect(() => picoUsd(-1)).toThrow(RangeError);
});
