import { expect, test } from 'vitest';
import { chooseWeighted } from './weighted-key.ts';

function at(fraction: number): { hex(): string; fraction(): number } {
  return { hex: () => '', fraction: () => fraction };
}

test('keys are chosen by weight', () => {
  const keys = [{ key: 'a', weight: 3 }, { key: 'b' }];
  expect([0, 0.5, 0.74, 0.76, 0.999].map((fraction) => chooseWeighted(keys, at(fraction)))).toEqual([
    'a',
    'a',
    'a',
    'b',
    'b',
  ]);
});

test('no key gives none', () => {
  expect(chooseWeighted([], at(0))).toBeUndefined();
});
