import { expect, test } from 'vitest';
import { moneyFaults } from '../support/money-invariants.ts';
import { moneyRun } from '../support/money-run.ts';

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

test.each(SEEDS)('whatever happens, every attempt is charged once and every answer is right: seed %i', async (seed) => {
  expect(moneyFaults(await moneyRun(seed, 150)), `seed ${seed}`).toEqual([]);
});
