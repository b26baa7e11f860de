import { expect, test } from 'vitest';
import { runSchedules } from './many-schedules.ts';

/** Other seeds each time, so that every long run looks where none has looked; a failure names its own. */
const FIRST_SEED = 1_000_000 + (Math.trunc(Date.now() / 1000) % 1_000_000_000);

test('100,000 more schedules of chance keep every promise about budgets', async () => {
  const seen = await runSchedules(FIRST_SEED, 100_000);
  expect(seen.calls).toBeGreaterThan(1_000_000);
});
