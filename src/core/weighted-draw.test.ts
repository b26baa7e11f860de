import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { weightedDraw } from './weighted-draw.ts';

test('each is drawn by its share of the chance, in order', () => {
  const drawn = [0, 0.5, 0.74, 0.76, 0.999].map((fraction) => weightedDraw([3, 1], fraction).index);
  expect(drawn).toEqual([0, 0, 0, 1, 1]);
});

test('of nothing nothing is drawn', () => {
  expect(weightedDraw([], 0.5).index).toBe(-1);
});

test('a draw is one of the weights, and leaves a chance', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (weights, fraction) => {
        const draw = weightedDraw(weights, fraction);
        expect(weights[draw.index]).toBeDefined();
        expect(draw.fraction).toBeGreaterThanOrEqual(0);
        expect(draw.fraction).toBeLessThan(1);
      },
    ),
  );
});
