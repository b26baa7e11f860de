import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nanoUsd } from '../money.ts';
import { type CascadeOutcome, type CascadeWorth, escalatedRatio, NEW_CASCADE, withOutcome } from './cascade-worth.ts';

const CHEAP = nanoUsd(10);
const STRONG = nanoUsd(100);

function outcome(isEscalated: boolean, cheapNanoUsd = CHEAP): CascadeOutcome {
  return { isEscalated, cheapNanoUsd, strongNanoUsd: STRONG };
}

/** Escalates `escalated` of every ten. */
function after(count: number, escalated: number, from: CascadeWorth = NEW_CASCADE): CascadeWorth {
  let worth = from;
  for (let number = 0; number < count; number += 1) worth = withOutcome(worth, outcome(number % 10 < escalated));
  return worth;
}

test('a cascade of which little is known is on', () => {
  expect(after(29, 10).isOn).toBe(true);
});

test('a cascade that escalates everything goes off with the thirtieth outcome, and says how much it escalated', () => {
  const worth = after(30, 10);
  expect(worth).toMatchObject({ isOn: false, outcomes: 0, switchedAtRatio: 1 });
});

test('a cascade that escalates less than break-even stays on for ever', () => {
  // Break-even is a share of 1 - 10 / 100 = 0.9.
  const worth = after(3000, 8);
  expect(worth.isOn).toBe(true);
  expect(escalatedRatio(worth)).toBeCloseTo(0.8, 1);
});

test('a good past does not hide that it loses now: three windows are enough', () => {
  const good = after(5000, 1);
  expect(good.isOn).toBe(true);
  expect(after(600, 10, good).isOn).toBe(false);
});

test('probes that pass bring it back, and such as are barely worth it do not', () => {
  const off = after(30, 10);
  expect(after(29, 1, off).isOn).toBe(false);
  expect(after(30, 1, off)).toMatchObject({ isOn: true, outcomes: 0 });
  // Spares 10 of 100 and costs 10: saves nothing.
  expect(after(300, 9, off).isOn).toBe(false);
});

test('it is on or off by money and not by counts: dear calls that are spared weigh more', () => {
  let worth = NEW_CASCADE;
  for (let number = 0; number < 100; number += 1) {
    const isDear = number % 10 === 0;
    worth = withOutcome(worth, {
      isEscalated: !isDear,
      cheapNanoUsd: CHEAP,
      strongNanoUsd: nanoUsd(isDear ? 2000 : 20),
    });
  }
  expect(worth.isOn).toBe(true);
  expect(escalatedRatio(worth)).toBeGreaterThan(0.85);
});

test('what is known survives JSON, and stays within bounds whatever comes', () => {
  const outcomes = fc.array(
    fc.record({
      isEscalated: fc.boolean(),
      cheapNanoUsd: fc.integer({ min: 0, max: 1_000_000_000 }).map(nanoUsd),
      strongNanoUsd: fc.integer({ min: 0, max: 1_000_000_000 }).map(nanoUsd),
    }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(outcomes, (list) => {
      const straight = list.reduce(withOutcome, NEW_CASCADE);
      const stored = list.reduce(
        (worth, each) => JSON.parse(JSON.stringify(withOutcome(worth, each))) as CascadeWorth,
        NEW_CASCADE,
      );
      expect(stored).toEqual(straight);
      expect(escalatedRatio(straight)).toBeGreaterThanOrEqual(0);
      expect(escalatedRatio(straight)).toBeLessThanOrEqual(1);
      expect(straight.weight).toBeLessThanOrEqual(200);
    }),
    { numRuns: 100 },
  );
});
