import { expect, test } from 'vitest';
import { usageOf } from '../core/model/usage.ts';
import { momentOf, parseUsage } from './prices-command.ts';

test('a usage is typed as counts by bucket', () => {
  expect(parseUsage('{"input":1200,"cacheRead":800,"reasoning":5,"output":9}')).toEqual(
    usageOf({ input: 1_200, cacheRead: 800, reasoning: 5, output: 9 }),
  );
});

test('a usage with a fault is refused by name', () => {
  expect(() => parseUsage('{"inptu":1}')).toThrow(/"inptu" is not a bucket; there are input, cacheRead/);
  expect(() => parseUsage('{"input":-1}')).toThrow('input is not a whole number');
  expect(() => parseUsage('{"input":1.5}')).toThrow('input is not a whole number');
  expect(() => parseUsage('{"input":"1"}')).toThrow('input is not a whole number');
  expect(() => parseUsage('[1]')).toThrow('is not an object');
  expect(() => parseUsage('input=1')).toThrow('is not JSON');
});

test('a moment is a day at midnight UTC or a time in ISO 8601', () => {
  expect(momentOf('2026-11-23')).toBe(Date.UTC(2026, 10, 23));
  expect(momentOf('2026-11-23T02:00:00Z')).toBe(Date.UTC(2026, 10, 23, 2));
  expect(() => momentOf('yesterday')).toThrow('is not a day');
  expect(() => momentOf('2026-11-23Tnoon')).toThrow('is not a day or moment');
});
