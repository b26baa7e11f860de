import { expect, test } from 'vitest';
import { CHANGE_NAMES, comparePairs } from '../../test/support/cache-key-pairs.ts';

test('20,000 random calls and their near misses: a key is shared by the same calls only', { timeout: 60_000 }, () => {
  const { faults, tried, collisions } = comparePairs(20_000, 20_261_125);
  expect(faults).toEqual([]);
  expect(collisions).toBe(0);
  expect(CHANGE_NAMES.filter((name) => (tried.get(name) ?? 0) < 50)).toEqual([]);
});
