import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_DURATIONS, observed } from './batch-durations.ts';
import { batchOutlook } from './batch-outlook.ts';
import { gatherTime, keepsRunning, LAST_LOOK_MS, MAX_GATHER_MS, pollPause } from './batch-pace.ts';

const MINUTE_MS = 60_000;
const NOW_MS = 1_800_000_000_000;

test('a queue gathers for a minute, for less when time is short, and not at all when it is full', () => {
  expect(gatherTime(undefined, false)).toBe(MAX_GATHER_MS);
  expect(gatherTime(24 * 60 * MINUTE_MS, false)).toBe(MAX_GATHER_MS);
  expect(gatherTime(10 * MINUTE_MS, false)).toBe(12_000);
  expect(gatherTime(-5, false)).toBe(0);
  expect(gatherTime(undefined, true)).toBe(0);
  expect(gatherTime(undefined, false, 5000)).toBe(5000);
});

test('looks become rarer with age, from five seconds to five minutes', () => {
  expect(pollPause(0, undefined)).toBe(5000);
  expect(pollPause(10 * MINUTE_MS, undefined)).toBe(MINUTE_MS);
  expect(pollPause(20 * 60 * MINUTE_MS, undefined)).toBe(5 * MINUTE_MS);
});

test('a batch is looked at once more right before its calls are asked live', () => {
  fc.assert(
    fc.property(fc.nat({ max: 86_400_000 }), fc.integer({ min: 1, max: 86_400_000 }), (ageMs, untilLiveMs) => {
      let leftMs = untilLiveMs;
      let lookedAtMs = untilLiveMs;
      while (leftMs > LAST_LOOK_MS) {
        leftMs -= pollPause(ageMs + untilLiveMs - leftMs, leftMs);
        lookedAtMs = leftMs;
      }
      expect(lookedAtMs).toBe(Math.min(untilLiveMs, LAST_LOOK_MS));
    }),
  );
});

test('a batch is cancelled when nobody waits for it, unless it is about to end and a live call may fail', () => {
  let durations = NO_DURATIONS;
  for (let end = 0; end < 30; end += 1) {
    durations = observed(durations, { endedAtMs: NOW_MS, ms: 60 * MINUTE_MS, isCensored: false });
  }
  const outlook = batchOutlook(durations, [], NOW_MS);
  const use = { waiting: 0, live: 3, ageMs: 20 * MINUTE_MS, liveMs: 2 * MINUTE_MS };
  expect(keepsRunning({ ...use, waiting: 1 }, outlook)).toBe(true);
  expect(keepsRunning(use, outlook)).toBe(false);
  expect(keepsRunning({ ...use, ageMs: 59 * MINUTE_MS }, outlook)).toBe(true);
  expect(keepsRunning({ ...use, live: 0, ageMs: 59 * MINUTE_MS }, outlook)).toBe(false);
});
