import { expect, test } from 'vitest';
import { parseLength, parseMoment } from './time-option.ts';

test('a date is its first moment in UTC, a time is what it says, a duration is so long ago', () => {
  expect(parseMoment('2026-11-01')).toBe(Date.UTC(2026, 10, 1));
  expect(parseMoment('2026-11-01T12:00:00+01:00')).toBe(Date.UTC(2026, 10, 1, 11));
  expect(Math.abs(Date.now() - 7 * 86_400_000 - parseMoment('7d'))).toBeLessThan(1_000);
});

test.each(['yesterday', '7', '2026-13-01', '01.11.2026', ''])('%j is no moment', (text) => {
  expect(() => parseMoment(text)).toThrow('a duration ago');
});

test('a length needs its unit', () => {
  expect(parseLength('30d')).toBe(30 * 86_400_000);
  expect(() => parseLength('30')).toThrow('Write 30m, 1h or 30d.');
});
