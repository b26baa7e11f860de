import { expect, test } from 'vitest';
import { shortUsd } from './short-usd.ts';

test.each([
  [0n, '0.000000'],
  [1_200n, '0.000001'],
  [1_500n, '0.000002'],
  [-1_500n, '-0.000002'],
  [-499n, '0.000000'],
  [12_345_678_901_234n, '12345.678901'],
  [10_000_000_000n, '10.000000'],
])('%s nano-dollars read %s', (amount, text) => {
  expect(shortUsd(amount)).toBe(text);
});
