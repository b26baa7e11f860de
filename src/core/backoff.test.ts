import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('a pause is anything from nothing to its longest, which doubles up to a bound', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), chance, (failures, fraction) => {
      const pauseMs = backoffMs(failures, { baseMs: 10, capMs: 320 }, fraction);
      expect(Number.isInteger(pauseMs)).toBe(true);
      expect(pauseMs).toBeGreaterThanOrEqual(0);
      expect(pauseMs).toBeLessThanOrEqual(Math.min(320, 10 * 2 ** (failures - 1)));
    }),
  );
  expect([1, 2, 3, 6, 7].map((failures) => backoffMs(failures, { baseMs: 10, capMs: 320 }, 0.9999))).toEqual([
    10, 20, 40, 320, 320,
  ]);
});
