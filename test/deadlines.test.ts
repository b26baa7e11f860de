import { describe, expect, test } from 'vitest';
import { oracleCost, simulateDeadlines } from './support/deadline-simulation.ts';
import { DEADLINE_WORLDS, deadlineCalls } from './support/deadline-worlds.ts';

/** The long version is `bench/deadlines.bench.ts`. */
const CALLS = deadlineCalls(1000, 11);
const LIVE_COST = CALLS.reduce((sum, { liveNanoUsd }) => sum + liveNanoUsd, 0);

describe('a week of calls with deadlines', () => {
  test.each(DEADLINE_WORLDS)('$name: none is missed by our choice, and none costs more than it is worth', (world) => {
    const { missedByUs, missed, costNanoUsd } = simulateDeadlines(world, CALLS);
    expect(missedByUs).toBe(0);
    expect(missed).toBeLessThanOrEqual(2);
    expect(costNanoUsd).toBeLessThanOrEqual(LIVE_COST);
    expect(costNanoUsd).toBeGreaterThanOrEqual(oracleCost(world, CALLS, true));
  });
});
