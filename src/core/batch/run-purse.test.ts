import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nanoUsd, ZERO_USD } from '../money.ts';
import { RunPurse } from './run-purse.ts';

const nothing = (): void => undefined;

test('under any order of attempts and ends no more is spent than the limit, and all that was set aside comes back', () => {
  const attempt = fc.record({ bound: fc.nat({ max: 50 }), costRatio: fc.double({ min: 0, max: 1, noNaN: true }) });
  fc.assert(
    fc.property(
      fc.array(fc.record({ attempt, endsFirst: fc.nat({ max: 3 }) }), { maxLength: 60 }),
      fc.nat({ max: 200 }),
      fc.nat({ max: 200 }),
      (steps, limit, before) => {
        const purse = new RunPurse(nanoUsd(limit), nanoUsd(before), nothing);
        const open: { bound: number; cost: number }[] = [];
        let spent = before;
        const end = (one: { bound: number; cost: number }): void => {
          purse.share().settle(nanoUsd(one.bound), nanoUsd(one.cost));
          spent += one.cost;
          expect(spent).toBeLessThanOrEqual(Math.max(limit, before));
        };
        for (const { attempt: tried, endsFirst } of steps) {
          for (const one of open.splice(0, endsFirst)) end(one);
          const isTaken = purse.share().take(nanoUsd(tried.bound));
          const held = open.reduce((sum, { bound }) => sum + bound, 0);
          expect(isTaken).toBe(tried.bound <= limit - spent - held);
          if (isTaken) open.push({ bound: tried.bound, cost: Math.floor(tried.bound * tried.costRatio) });
        }
        for (const one of open.splice(0)) end(one);
        expect(purse.spentNanoUsd).toBe(spent);
        expect(purse.leftNanoUsd).toBe(limit - spent);
      },
    ),
  );
});

test('a refusal says whether waiting helps', () => {
  let freed = 0;
  const purse = new RunPurse(nanoUsd(100), ZERO_USD, () => (freed += 1));
  const [one, other, third] = [purse.share(), purse.share(), purse.share()];
  expect(one.take(nanoUsd(60))).toBe(true);
  expect(other.take(nanoUsd(60))).toBe(false);
  expect(other.refusal).toBe('held');
  expect(third.take(undefined)).toBe(false);
  expect(third.refusal).toBe('unbounded');
  one.settle(nanoUsd(60), nanoUsd(50));
  expect(freed).toBe(1);
  expect(other.take(nanoUsd(60))).toBe(false);
  expect(other.refusal).toBe('spent');
  expect(other.take(nanoUsd(50))).toBe(true);
  expect(other.refusal).toBeUndefined();
});
