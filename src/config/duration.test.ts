import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';

test('each unit is worth what it says', () => {
  const texts = ['500ms', '2s', '10m', '1h', '24h', '7d', '0s'];
  expect(texts.map(parseDuration)).toEqual([500, 2000, 600_000, 3_600_000, 86_400_000, 604_800_000, 0]);
});

test('a number without a unit, a fraction, a sign or a space is no duration', () => {
  for (const text of [
    '',
    '5',
    '1.5h',
    '-1s',
    '+1s',
    '1 h',
    ' 1h',
    '1h ',
    '1H',
    '1w',
    '1h30m',
    '1e3s',
    '٣s',
    '1 fortnight',
  ]) {
    expect(parseDuration(text)).toBeUndefined();
  }
});

test('any whole number and unit is read exactly, or refused past the safe integers', () => {
  const units = { ms: 1n, s: 1000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n } as const;
  const unit = fc.constantFrom<keyof typeof units>('ms', 's', 'm', 'h', 'd');
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 15n - 1n), unit, (amount, name) => {
      const exact = amount * units[name];
      const expected = exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : undefined;
      expect(parseDuration(`${amount}${name}`)).toBe(expected);
    }),
  );
});

test('no text at all makes it fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const durationMs = parseDuration(text);
      expect(durationMs === undefined || Number.isSafeInteger(durationMs)).toBe(true);
    }),
  );
});
