import { expect, test } from 'vitest';
import { SeenNames } from './seen-names.ts';

test('a name is found again with its line, among many', () => {
  const names = new SeenNames();
  for (let line = 1; line <= 20_000; line += 1) expect(names.note(`item-${line}`, line)).toBeUndefined();
  expect([1, 777, 20_000].map((line) => names.note(`item-${line}`, 30_000))).toEqual([1, 777, 20_000]);
  expect(names.note('item-20001', 30_001)).toBeUndefined();
});
