import { describe, test } from 'vitest';
import { expectSound, runFaultSchedule } from '../support/fault-schedule.ts';

const SEEDS = [1, 2];

describe.each(['error', 'continue', 'buffer'] as const)('streams that break: %s', (midStream) => {
  test.each(SEEDS)(
    'targets that fail at random, seed %i: no wrong answer, no lost money, and all works again',
    async (seed) => {
      await expectSound(await runFaultSchedule(seed, midStream));
    },
  );
});
