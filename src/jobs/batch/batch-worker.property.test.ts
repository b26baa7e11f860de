import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchSchedule, checkSchedule } from '../../../test/support/batch-schedule.ts';

const RUNS = 100;

test('whatever dies when, each call is answered once and charged once, or fails with its reason', async () => {
  let settled = 0;
  const check = fc.asyncProperty(batchSchedule, async (schedule) => {
    await checkSchedule(schedule);
    settled += 1;
  });
  await fc.assert(check, { numRuns: RUNS });
  expect(settled).toBe(RUNS);
});
