import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GenerationalMap } from './generational-map.ts';

test('what it remembers is right, and the last half of the bound is always remembered', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.array(fc.tuple(fc.nat({ max: 30 }), fc.nat())), (bound, writes) => {
      const map = new GenerationalMap<number, number>(bound);
      const truth = new Map<number, number>();
      for (const [key, value] of writes) {
        map.set(key, value);
        truth.delete(key);
        truth.set(key, value);
      }
      const latest = [...truth.keys()].slice(-Math.floor(bound / 2));
      for (const key of latest) expect(map.get(key)).toBe(truth.get(key));
    }),
  );
});

test('a key that is used stays, one that is not goes', () => {
  const map = new GenerationalMap<string, number>(4);
  map.set('used', 1);
  map.set('unused', 2);
  for (const key of ['a', 'b', 'c', 'd']) {
    expect(map.get('used')).toBe(1);
    map.set(key, 0);
  }
  expect(map.get('unused')).toBeUndefined();
});

test('a bound below two is refused', () => {
  expect(() => new GenerationalMap(1)).toThrow(RangeError);
});
