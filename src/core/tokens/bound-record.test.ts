import { expect, test } from 'vitest';
import { isProven, NO_RECORD, recordBound } from './bound-record.ts';

test('a bound is relied on after eight long prompts that stayed within it', () => {
  let record = NO_RECORD;
  for (let call = 0; call < 7; call += 1) record = recordBound(record, 1000, 900);
  expect(isProven(record)).toBe(false);
  expect(isProven(recordBound(record, 1000, 1000))).toBe(true);
});

test('short prompts prove nothing', () => {
  let record = NO_RECORD;
  for (let call = 0; call < 100; call += 1) record = recordBound(record, 60, 40);
  expect(isProven(record)).toBe(false);
});

test('a bound that one bill was above is never relied on again', () => {
  let record = recordBound(NO_RECORD, 40, 41);
  for (let call = 0; call < 100; call += 1) record = recordBound(record, 1000, 900);
  expect(isProven(record)).toBe(false);
});
