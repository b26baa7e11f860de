import { expect, test } from 'vitest';
import { runSchedules } from './many-schedules.ts';

/** Runs one schedule alone, as a failure names it. */
const SEED = process.env['FARTHING_SEED'];
const NAME = SEED === undefined ? '2,000 schedules of chance keep' : `schedule ${SEED} keeps`;

test(`${NAME} every promise about budgets`, { timeout: 400_000 }, async () => {
  const seen = await runSchedules(Number(SEED ?? 1), SEED === undefined ? 2000 : 1);
  if (SEED !== undefined) return;
  // The schedules reach what they are there for.
  expect(seen.crashes).toBeGreaterThan(200);
  expect(seen.stops).toBeGreaterThan(200);
  expect(seen.flushes).toBeGreaterThan(60);
  for (const outcome of ['complete', 'budget-spent', 'budget-held', 'store-unavailable', 'client-left']) {
    expect(seen.outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(20);
  }
});
