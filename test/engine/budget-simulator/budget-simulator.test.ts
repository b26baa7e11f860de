import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runSchedule } from './simulated-schedule.ts';

/** Real timers are not wanted: the spool of charges waits by the simulated clock. */
beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterAll(() => {
  vi.useRealTimers();
});

const SEED = Number(process.env['FARTHING_SEED'] ?? 0);
const SCHEDULES = SEED === 0 ? 10_000 : 1;
const STEPS = 220;

test(`${SCHEDULES} schedules of chance keep every promise about budgets`, { timeout: 240_000 }, async () => {
  const seen = { calls: 0, crashes: 0, stops: 0, flushes: 0 };
  const outcomes = new Map<string, number>();
  for (let index = 0; index < SCHEDULES; index += 1) {
    const seed = SEED === 0 ? index + 1 : SEED;
    // oxlint-disable-next-line no-await-in-loop -- each schedule owns the timers
    const result = await runSchedule(seed, STEPS);
    expect(result.faults, `FARTHING_SEED=${seed}`).toEqual([]);
    seen.calls += result.calls;
    seen.crashes += result.crashes;
    seen.stops += result.stops;
    seen.flushes += result.flushes;
    for (const [outcome, count] of result.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
  }
  if (SEED !== 0) return;
  // The schedules reach what they are there for.
  expect(seen.crashes).toBeGreaterThan(1000);
  expect(seen.stops).toBeGreaterThan(1000);
  expect(seen.flushes).toBeGreaterThan(300);
  for (const outcome of ['complete', 'budget-spent', 'budget-held', 'store-unavailable', 'client-left']) {
    expect(outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(100);
  }
});
