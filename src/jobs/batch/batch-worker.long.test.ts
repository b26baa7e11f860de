import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchSchedule, checkSchedule } from '../../../test/support/batch-schedule.ts';

const RUNS = Number(process.env['FARTHING_SCHEDULES'] ?? 3_000);

test('whatever dies when, each call of thousands of schedules is answered once and charged once, or fails with its reason', async () => {
  let settled = 0;
  const check = fc.asyncProperty(batchSchedule, async (schedule) => {
    await checkSchedule(schedule);
    settled += 1;
  });
  await fc.assert(check, { numRuns: RUNS });
  expect(settled).toBe(RUNS);
}, 1_800_000);
