import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nanoUsd } from './money.ts';
import { SAVING_STEPS, savingsOf } from './savings.ts';

const amount = fc.nat({ max: 1_000_000_000 }).map((value) => nanoUsd(value));
const steps = fc
  .uniqueArray(fc.constantFrom(...SAVING_STEPS))
  .chain((chosen) =>
    fc
      .tuple(...chosen.map(() => amount))
      .map((costs) => Object.fromEntries(chosen.map((step, index) => [step, costs[index]]))),
  );

test('the parts sum exactly to baseline minus cost', () => {
  fc.assert(
    fc.property(amount, steps, (baseline, costAfter) => {
      const savings = savingsOf(baseline, costAfter);
      const sum = SAVING_STEPS.reduce((total, step) => total + savings.parts[step], 0);
      expect(sum).toBe(savings.savedNanoUsd);
      expect(savings.baselineNanoUsd - savings.costNanoUsd).toBe(savings.savedNanoUsd);
    }),
  );
});

test('a step that makes the call dearer has a negative part', () => {
  const savings = savingsOf(nanoUsd(100), { cache: nanoUsd(100), retries: nanoUsd(130) });
  expect(savings.parts.retries).toBe(-30);
  expect(savings.savedNanoUsd).toBe(-30);
});

test('a hit saves its whole baseline in the cache step', () => {
  const savings = savingsOf(nanoUsd(70), { route: nanoUsd(70), cache: nanoUsd(0), retries: nanoUsd(0) });
  expect(savings.parts.cache).toBe(70);
  expect(savings.costNanoUsd).toBe(0);
});
