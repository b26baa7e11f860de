import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fadedMs, type LatencyAverage, observe, observeFailure } from './latency-average.ts';

const AT_START: LatencyAverage = { averageMs: 1000, observedAtMs: 0 };

test('the first observation is the average', () => {
  expect(observe(undefined, 300, 5)).toEqual({ averageMs: 300, observedAtMs: 5 });
});

test('a slower observation counts in full at once', () => {
  expect(observe(AT_START, 4000, 1).averageMs).toBe(4000);
});

test('a faster observation counts for half of what is left after 10 s, and for little right away', () => {
  expect(observe(AT_START, 200, 10_000).averageMs).toBe(350);
  expect(observe(AT_START, 200, 100).averageMs).toBeGreaterThan(980);
});

test('an average fades by half in 10 s', () => {
  expect(fadedMs(AT_START, 0)).toBe(1000);
  expect(fadedMs(AT_START, 10_000)).toBe(500);
  expect(fadedMs(AT_START, 30_000)).toBe(125);
});

test('a quick failure counts as slow, many in a row as no more than 30 s, a late one as the time that it took', () => {
  expect(observeFailure(undefined, 1, 0).averageMs).toBe(5000);
  expect(observeFailure({ averageMs: 3000, observedAtMs: 0 }, 1, 0).averageMs).toBe(12_000);
  let average = AT_START;
  for (let count = 0; count < 50; count += 1) average = observeFailure(average, 1, count);
  expect(average.averageMs).toBe(30_000);
  expect(observeFailure(AT_START, 90_000, 0).averageMs).toBe(90_000);
});

test('an average lies between what was observed, whatever the clock does, and a failure never improves it', () => {
  const observation = fc.record({ sampleMs: fc.nat({ max: 100_000 }), nowMs: fc.nat({ max: 1_000_000 }) });
  fc.assert(
    fc.property(fc.array(observation, { minLength: 1 }), observation, (observations, failure) => {
      let average: LatencyAverage | undefined;
      for (const { sampleMs, nowMs } of observations) average = observe(average, sampleMs, nowMs);
      if (average === undefined) return;
      const samples = observations.map(({ sampleMs }) => sampleMs);
      expect(average.averageMs).toBeGreaterThanOrEqual(Math.min(...samples) - 1e-6);
      expect(average.averageMs).toBeLessThanOrEqual(Math.max(...samples) + 1e-6);
      expect(average.observedAtMs).toBe(Math.max(...observations.map(({ nowMs }) => nowMs)));
      expect(fadedMs(average, failure.nowMs)).toBeLessThanOrEqual(average.averageMs);
      // Up to the bound of failures: beyond it a failure is an observation like any other.
      const after = observeFailure(average, failure.sampleMs, failure.nowMs);
      if (average.averageMs <= 30_000) expect(after.averageMs).toBeGreaterThanOrEqual(average.averageMs);
    }),
  );
});
