import { expect, vi } from 'vitest';
import { runSchedule } from './simulated-schedule.ts';

/** Things that happen in one schedule before it is let come to its end. */
const STEPS = 220;

/** What the schedules of a run came to. */
export interface SchedulesSeen {
  calls: number;
  crashes: number;
  stops: number;
  flushes: number;
  readonly outcomes: Map<string, number>;
}

/** Runs schedules with consecutive seeds, and fails with the seed of the first that breaks a promise. */
export async function runSchedules(firstSeed: number, count: number): Promise<SchedulesSeen> {
  // Real timers are not wanted: the spool of charges waits by the simulated clock.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const seen: SchedulesSeen = { calls: 0, crashes: 0, stops: 0, flushes: 0, outcomes: new Map() };
  try {
    for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each schedule owns the timers
      const result = await runSchedule(seed, STEPS);
      expect(result.faults, `FARTHING_SEED=${seed}`).toEqual([]);
      seen.calls += result.calls;
      seen.crashes += result.crashes;
      seen.stops += result.stops;
      seen.flushes += result.flushes;
      for (const [outcome, times] of result.outcomes) {
        seen.outcomes.set(outcome, (seen.outcomes.get(outcome) ?? 0) + times);
      }
    }
  } finally {
    vi.useRealTimers();
  }
  return seen;
}
