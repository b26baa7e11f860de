import { expect, test } from 'vitest';
import { runSchedules } from './many-schedules.ts';

/** Runs one schedule alone, as a failure names it. */
const SEED = process.env['FARTHING_SEED'];

test.runIf(SEED !== undefined)(`schedule ${SEED} keeps every promise about budgets`, async () => {
  await runSchedules(Number(SEED), 1);
});

test.runIf(SEED === undefined)(
  '10,000 schedules of chance keep every promise about budgets',
  { timeout: 400_000 },
  async () => {
    const seen = await runSchedules(1, 10_000);
    // The schedules reach what they are there for.
    expect(seen.crashes).toBeGreaterThan(1000);
    expect(seen.stops).toBeGreaterThan(1000);
    expect(seen.flushes).toBeGreaterThan(300);
    for (const outcome of ['complete', 'budget-spent', 'budget-held', 'store-unavailable', 'client-left']) {
      expect(seen.outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(100);
    }
  },
);
