import { expect, test } from 'vitest';
import { plainDuration } from './plain-duration.ts';

test('a length is said in its two largest units', () => {
  const lengths = [-5, 0, 940, 9_940, 9_960, 59_400, 59_600, 61_000, 3_599_600, 5_400_000, 90_000_000];
  expect(lengths.map(plainDuration)).toEqual([
    '0.0 s',
    '0.0 s',
    '0.9 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min 0 s',
    '1 min 1 s',
    '1 h 0 min',
    '1 h 30 min',
    '25 h 0 min',
  ]);
});
