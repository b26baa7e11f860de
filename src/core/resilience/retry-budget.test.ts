import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

test('retries stay within their share of the calls and a small reserve, in any order', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.array(fc.boolean()), (ratio, schedule) => {
      const budget = new RetryBudget(ratio);
      let calls = 0;
      let retries = 0;
      for (const isCall of schedule) {
        if (isCall) {
          calls += 1;
          budget.earn();
        } else if (budget.mayRetry) {
          retries += 1;
          budget.spend();
        }
        expect(retries).toBeLessThanOrEqual(calls * ratio + 10 + 1e-9);
      }
    }),
  );
});

test('a good hour does not pay for a bad minute', () => {
  const budget = new RetryBudget(0.2);
  for (let calls = 0; calls < 10_000; calls += 1) budget.earn();
  let retries = 0;
  for (; budget.mayRetry; retries += 1) budget.spend();
  expect(retries).toBe(10);
});

test('a share of nothing is nothing', () => {
  const budget = new RetryBudget(0);
  budget.earn();
  expect(budget.mayRetry).toBe(false);
});
