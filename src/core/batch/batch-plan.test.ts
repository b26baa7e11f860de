import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nanoUsd } from '../money.ts';
import { type BatchDurations, NO_DURATIONS, observed } from './batch-durations.ts';
import { type BatchPlanInput, batchPlan, type WayPrices } from './batch-plan.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const NOW_MS = 1_800_000_000_000;
const TIMES = { liveMs: 60_000, flexMs: 600_000, pauseMs: 1000, gatherMs: 60_000, pollMs: 30_000 };

function pricesOf(live: number, batch?: number, flex?: number, offPeak?: WayPrices['offPeak']): WayPrices {
  return {
    liveNanoUsd: nanoUsd(live),
    batchNanoUsd: batch === undefined ? undefined : nanoUsd(batch),
    flexNanoUsd: flex === undefined ? undefined : nanoUsd(flex),
    offPeak,
  };
}

/** Batches that took so many hours each. */
function durationsOf(count: number, hours: number): BatchDurations {
  let known = NO_DURATIONS;
  for (let end = 0; end < count; end += 1) {
    known = observed(known, { endedAtMs: NOW_MS, ms: hours * HOUR_MS, isCensored: false });
  }
  return known;
}

function inputOf(change: Partial<BatchPlanInput> = {}): BatchPlanInput {
  return {
    nowMs: NOW_MS,
    deadlineAtMs: NOW_MS + 6 * HOUR_MS,
    prices: pricesOf(1000, 500),
    durations: NO_DURATIONS,
    times: TIMES,
    flexFailureRatio: 0.2,
    ...change,
  };
}

test('with hours left and quick batches it is a batch, with a live call in time behind it', () => {
  const plan = batchPlan(inputOf({ durations: durationsOf(50, 1) }));
  expect(plan).toMatchObject({ way: 'batch', liveTier: 'default', liveAtMs: NOW_MS + 6 * HOUR_MS - 61_000 });
  expect(plan.expectedNanoUsd).toBeLessThan(520);
});

test('when batches take longer than is left, it is asked at once', () => {
  expect(batchPlan(inputOf({ durations: durationsOf(50, 9) }))).toEqual({
    way: 'live',
    liveAtMs: NOW_MS,
    liveTier: 'default',
    expectedNanoUsd: 1000,
  });
});

test('without a deadline it is a batch, whatever flex costs, unless that is dearer than a live call', () => {
  const whenever = { deadlineAtMs: undefined, flexFailureRatio: 0 };
  expect(batchPlan(inputOf({ ...whenever, prices: pricesOf(1000, 500, 400) }))).toMatchObject({
    way: 'batch',
    liveAtMs: undefined,
    expectedNanoUsd: 500,
  });
  expect(batchPlan(inputOf({ ...whenever, prices: pricesOf(1000, 1200) })).way).toBe('live');
  expect(batchPlan(inputOf({ ...whenever, prices: pricesOf(1000, undefined, 500) })).way).toBe('flex');
});

describe('flex', () => {
  test('at the same price is taken before a batch while it has room', () => {
    const input = inputOf({ prices: pricesOf(1000, 500, 500), flexFailureRatio: 0.05 });
    expect(batchPlan(input)).toMatchObject({ way: 'flex', liveAtMs: NOW_MS, expectedNanoUsd: 525 });
  });

  test('that is mostly full is left to batches that are quick, and is tried behind them', () => {
    const input = inputOf({ durations: durationsOf(50, 1), prices: pricesOf(1000, 500, 500), flexFailureRatio: 0.8 });
    expect(batchPlan(input)).toMatchObject({
      way: 'batch',
      liveTier: 'flex',
      liveAtMs: NOW_MS + 6 * HOUR_MS - 661_000,
    });
  });

  test('needs its own time before the deadline', () => {
    const input = inputOf({ deadlineAtMs: NOW_MS + 8 * MINUTE_MS, prices: pricesOf(1000, undefined, 500) });
    expect(batchPlan(input).way).toBe('live');
  });
});

test('a cheaper hour is waited for while it lies before the last moment', () => {
  const offPeak = { atMs: NOW_MS + 2 * HOUR_MS, amountNanoUsd: nanoUsd(500) };
  const prices = pricesOf(1000, undefined, undefined, offPeak);
  expect(batchPlan(inputOf({ prices }))).toMatchObject({
    way: 'off-peak',
    liveAtMs: offPeak.atMs,
    expectedNanoUsd: 500,
  });
  expect(batchPlan(inputOf({ prices, deadlineAtMs: NOW_MS + 2 * HOUR_MS })).way).toBe('live');
});

test('what is not cheaper is not waited for', () => {
  const offPeak = { atMs: NOW_MS + HOUR_MS, amountNanoUsd: nanoUsd(1000) };
  const prices = pricesOf(1000, 1000, 1000, offPeak);
  expect(batchPlan(inputOf({ prices, flexFailureRatio: 0, deadlineAtMs: NOW_MS + 48 * HOUR_MS })).way).toBe('live');
});

test('where late rows cost nothing, more is risked', () => {
  const input = inputOf({ deadlineAtMs: NOW_MS + 30 * MINUTE_MS });
  expect(batchPlan(input).way).toBe('live');
  expect(batchPlan({ ...input, lateShareRatio: 0 }).way).toBe('batch');
});

test('when all later moments are taken, it is asked at once', () => {
  expect(batchPlan(inputOf({ durations: durationsOf(50, 1), liveRoom: () => -Infinity })).way).toBe('live');
});

test('an amount that is no whole number is rounded, and money that is small stays money', () => {
  const plan = batchPlan(inputOf({ prices: pricesOf(3, undefined, 1), flexFailureRatio: 0.3 }));
  expect(plan).toMatchObject({ way: 'flex', expectedNanoUsd: 2 });
});

const amount = fc.integer({ min: 0, max: 1_000_000 });
const ratio = fc.double({ min: 0, max: 1, noNaN: true });
const anyPrices = fc
  .record({
    live: amount,
    batch: fc.option(amount, { nil: undefined }),
    flex: fc.option(amount, { nil: undefined }),
    offPeak: fc.option(
      fc.record({ atMs: fc.integer({ min: NOW_MS, max: NOW_MS + 48 * HOUR_MS }), amountNanoUsd: amount.map(nanoUsd) }),
      { nil: undefined },
    ),
  })
  .map(({ live, batch, flex, offPeak }) => pricesOf(live, batch, flex, offPeak));
const anyDurations = fc
  .array(fc.integer({ min: 1, max: 30 * HOUR_MS }), { maxLength: 20 })
  .map((ends) =>
    ends.reduce<BatchDurations>(
      (known, ms) => observed(known, { endedAtMs: NOW_MS, ms, isCensored: ms % 3 === 0 }),
      NO_DURATIONS,
    ),
  );
const anyInput: fc.Arbitrary<BatchPlanInput> = fc.record({
  nowMs: fc.constant(NOW_MS),
  deadlineAtMs: fc.integer({ min: NOW_MS - HOUR_MS, max: NOW_MS + 48 * HOUR_MS }),
  prices: anyPrices,
  durations: anyDurations,
  times: fc.record({
    liveMs: fc.nat({ max: 600_000 }),
    flexMs: fc.nat({ max: 900_000 }),
    pauseMs: fc.nat({ max: 10_000 }),
    gatherMs: fc.nat({ max: 60_000 }),
    pollMs: fc.nat({ max: 60_000 }),
  }),
  flexFailureRatio: ratio,
  lateShareRatio: ratio,
  liveRoom: fc.nat({ max: HOUR_MS }).map((roomMs) => (latestAtMs: number) => latestAtMs - roomMs),
});

test('no plan leaves less than a live call needs, and none waits that could be too late', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const { way, liveAtMs = NOW_MS, liveTier } = batchPlan(input);
      const { liveMs, pauseMs, flexMs } = input.times;
      const lastMs = (input.deadlineAtMs ?? 0) - liveMs - pauseMs - (liveTier === 'flex' ? flexMs : 0);
      if (way === 'live') expect(liveAtMs).toBe(NOW_MS);
      else expect(liveAtMs).toBeLessThanOrEqual(input.liveRoom?.(lastMs) ?? lastMs);
      expect(liveAtMs).toBeGreaterThanOrEqual(NOW_MS);
    }),
  );
});

test('no plan is expected to cost more than a live call', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      expect(batchPlan(input).expectedNanoUsd).toBeLessThanOrEqual(input.prices.liveNanoUsd);
    }),
  );
});

test('a later deadline never costs more', () => {
  fc.assert(
    fc.property(anyInput, fc.nat({ max: 48 * HOUR_MS }), (input, laterMs) => {
      const later = { ...input, deadlineAtMs: (input.deadlineAtMs ?? 0) + laterMs };
      // A batch in front of a dearer one would be worth it only to be late; such prices are none.
      fc.pre((input.prices.batchNanoUsd ?? 0) <= input.prices.liveNanoUsd);
      expect(batchPlan(later).expectedNanoUsd).toBeLessThanOrEqual(batchPlan(input).expectedNanoUsd);
    }),
  );
});
