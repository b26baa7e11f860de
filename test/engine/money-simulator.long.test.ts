import { expect, test } from 'vitest';
import { moneyFaults } from '../support/money-invariants.ts';
import { moneyRun } from '../support/money-run.ts';

/** Other seeds every day, so that the run finds what it has not seen; a failure names its own. */
const FIRST_SEED = Math.floor(Date.now() / 86_400_000) * 1000;

test('300 schedules of chance keep every promise about money and answers', async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 300; seed += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one run after the other, each with the machine to itself
    expect(moneyFaults(await moneyRun(seed, 200)), `seed ${seed}`).toEqual([]);
  }
});
