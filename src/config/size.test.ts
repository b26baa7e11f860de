import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSize } from './size.ts';

test('MB is 10^6 bytes and MiB 2^20', () => {
  const texts = ['0B', '1B', '512KB', '64MB', '1GB', '2TB', '16KiB', '1MiB', '1GiB', '1TiB'];
  expect(texts.map(parseSize)).toEqual([0, 1, 512e3, 64e6, 1e9, 2e12, 16_384, 2 ** 20, 2 ** 30, 2 ** 40]);
});

test('a number without a unit, a fraction, a sign or a wrong unit is no size', () => {
  for (const text of ['', '64', '1.5GB', '-1MB', '1 MB', '1mb', '1Mb', '1K', '1iB', '1e6B', 'MB']) {
    expect(parseSize(text)).toBeUndefined();
  }
});

test('any whole number and unit is read exactly, or refused past the safe integers', () => {
  const prefixes = ['', 'K', 'M', 'G', 'T'];
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 15n - 1n), fc.nat(4), fc.boolean(), (amount, power, isBinary) => {
      const binary = isBinary && power > 0;
      const exact = amount * (binary ? 1024n : 1000n) ** BigInt(power);
      const expected = exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : undefined;
      expect(parseSize(`${amount}${prefixes[power]}${binary ? 'i' : ''}B`)).toBe(expected);
    }),
  );
});
