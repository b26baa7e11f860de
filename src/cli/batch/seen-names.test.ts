import { expect, test } from 'vitest';
import { SeenNames } from './seen-names.ts';

test('a name is found again with its line, among many', () => {
  const names = new SeenNames();
  const before = Array.from({ length: 20_000 }, (_, index) => names.note(`item-${index + 1}`, index + 1));
  expect(before.filter((line) => line !== undefined)).toEqual([]);
  expect([1, 777, 20_000].map((line) => names.note(`item-${line}`, 30_000))).toEqual([1, 777, 20_000]);
  expect(names.note('item-20001', 30_001)).toBeUndefined();
});
