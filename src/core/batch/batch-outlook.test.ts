import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BatchDurations, NO_DURATIONS, observed, readDurations } from './batch-durations.ts';
import { batchOutlook, probabilityDoneWithin } from './batch-outlook.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const NOW_MS = 1_800_000_000_000;

/** Batches that ended just now, one after the other, after so many hours each; negative ones did not end by themselves. */
function durationsOf(...hours: readonly number[]): BatchDurations {
  return hours.reduce<BatchDurations>(
    (known, length) => observed(known, { endedAtMs: NOW_MS, ms: Math.abs(length) * HOUR_MS, isCensored: length < 0 }),
    NO_DURATIONS,
  );
}

function outlookOf(...hours: readonly number[]): ReturnType<typeof batchOutlook> {
  return batchOutlook(durationsOf(...hours), [], NOW_MS);
}

test('when nothing is known, each doubling between a minute and a day is as probable', () => {
  const outlook = outlookOf();
  expect(probabilityDoneWithin(outlook, MINUTE_MS)).toBe(0);
  expect(probabilityDoneWithin(outlook, Math.sqrt(1440) * MINUTE_MS)).toBeCloseTo(0.5);
  expect(probabilityDoneWithin(outlook, 24 * HOUR_MS)).toBe(1);
});

test('what ended counts beside a prior of two', () => {
  const outlook = outlookOf(...Array.from({ length: 18 }, () => 1));
  const priorWithin = Math.log(61) / Math.log(1440);
  expect(probabilityDoneWithin(outlook, 61 * MINUTE_MS)).toBeCloseTo((18 + 2 * priorWithin) / 20);
  expect(probabilityDoneWithin(outlook, 59 * MINUTE_MS)).toBeLessThan(0.1);
});

test('many ends are told as they were', () => {
  const outlook = outlookOf(...Array.from({ length: 50 }, (_end, index) => (index % 5 === 0 ? 10 : 0.5)));
  expect(probabilityDoneWithin(outlook, HOUR_MS)).toBeCloseTo(0.8, 1);
  expect(probabilityDoneWithin(outlook, 11 * HOUR_MS)).toBeGreaterThan(0.98);
});

test('with censoring it is the estimate of Susarla and Van Ryzin', () => {
  // Ends at 1 and 3 hours, censored at 2: (prior beyond 3.5 h) / 5 x (prior beyond 2 h + 1 + 1) / (prior beyond 2 h + 1).
  const beyond = (hours: number): number => (2 * Math.log(24 / hours)) / Math.log(1440);
  const survival = (beyond(3.5) / 5) * ((beyond(2) + 2) / (beyond(2) + 1));
  expect(1 - probabilityDoneWithin(outlookOf(3, -2, 1), 3.5 * HOUR_MS)).toBeCloseTo(survival);
});

test('a batch that has run for hours is judged by those that lasted as long', () => {
  const outlook = outlookOf(...Array.from({ length: 45 }, () => 0.5), 9, 9, 9, 9, 9);
  expect(probabilityDoneWithin(outlook, HOUR_MS)).toBeGreaterThan(0.85);
  expect(probabilityDoneWithin(outlook, HOUR_MS, 2 * HOUR_MS)).toBeLessThan(0.1);
  expect(probabilityDoneWithin(outlook, HOUR_MS, 8.5 * HOUR_MS)).toBeGreaterThan(0.6);
});

test('a batch that has run longer than all that is known is not expected to end', () => {
  expect(probabilityDoneWithin(outlookOf(1, 2), HOUR_MS, 30 * HOUR_MS)).toBe(0);
  expect(probabilityDoneWithin(outlookOf(-25), 100 * HOUR_MS)).toBeLessThan(1);
});

test('batches under way lower what is expected of those that are younger, and not of a sound day', () => {
  const known = durationsOf(...Array.from({ length: 20 }, () => 1));
  const within = (runningHours: readonly number[]): number => {
    const since = runningHours.map((hours) => NOW_MS - hours * HOUR_MS);
    return probabilityDoneWithin(batchOutlook(known, since, NOW_MS), 2 * HOUR_MS);
  };
  expect(within([5, 5, 5, 5, 5, 5, 5, 5, 5, 5])).toBeLessThan(0.75);
  expect(within([0.1, 0.1, 0.1, 0.1, 0.1])).toBeCloseTo(within([]), 1);
});

test('those that last do not seem to be most of all, where many short ones were forgotten', () => {
  // A batch a minute: seven of ten take 20 minutes, three 10 hours. The list holds the ends of the last 50 minutes; those under way go back 10 hours.
  let durations = NO_DURATIONS;
  const ends: number[] = [];
  const running: number[] = [];
  for (let minute = 0; minute < 1440; minute += 1) {
    const atMs = NOW_MS + minute * MINUTE_MS;
    const ms = minute % 10 < 7 ? 20 * MINUTE_MS : 10 * HOUR_MS;
    if (atMs + ms <= NOW_MS + 1440 * MINUTE_MS) ends.push(atMs + ms, ms);
    else running.push(atMs);
  }
  const pairs = Array.from({ length: ends.length / 2 }, (_pair, index) => [ends[2 * index], ends[2 * index + 1]]);
  for (const [endedAtMs = 0, ms = 0] of pairs.toSorted(([left = 0], [right = 0]) => left - right)) {
    durations = observed(durations, { endedAtMs, ms, isCensored: false });
  }
  const outlook = batchOutlook(durations, running, NOW_MS + 1440 * MINUTE_MS);
  expect(probabilityDoneWithin(outlook, HOUR_MS)).toBeGreaterThan(0.6);
  expect(probabilityDoneWithin(outlook, HOUR_MS)).toBeLessThan(0.8);
});

test('after a day without ends only the prior is left', () => {
  const never = durationsOf(...Array.from({ length: 50 }, () => -5));
  const soon = (nowMs: number): number => probabilityDoneWithin(batchOutlook(never, [], nowMs), 5 * HOUR_MS);
  expect(soon(NOW_MS)).toBeLessThan(0.05);
  expect(soon(NOW_MS + 30 * HOUR_MS)).toBeGreaterThan(0.7);
});

test('a probability is one, and grows with time', () => {
  const hours = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { maxLength: 60 });
  const time = fc.double({ min: 0, max: 40, noNaN: true });
  fc.assert(
    fc.property(hours, fc.array(time, { maxLength: 20 }), time, time, time, (ends, ages, ranFor, one, two) => {
      const running = ages.map((age) => NOW_MS - age * HOUR_MS);
      const outlook = batchOutlook(durationsOf(...ends), running, NOW_MS);
      const within = (length: number): number => probabilityDoneWithin(outlook, length * HOUR_MS, ranFor * HOUR_MS);
      const [sooner, later] = [within(Math.min(one, two)), within(Math.max(one, two))];
      expect(sooner).toBeGreaterThanOrEqual(0);
      expect(later).toBeLessThanOrEqual(1);
      expect(later).toBeGreaterThanOrEqual(sooner - 1e-9);
    }),
  );
});

test('what is kept is bounded, and comes back from a store as it was', () => {
  const long = durationsOf(...Array.from({ length: 300 }, () => 1));
  expect(long.ends).toHaveLength(50);
  expect(readDurations(JSON.parse(JSON.stringify(long)))).toEqual(long);
  for (const odd of [undefined, null, [], {}, { sinceMs: 0, ends: [{ ms: 1 }] }, { sinceMs: 'x', ends: [] }]) {
    expect(readDurations(odd)).toBe(NO_DURATIONS);
  }
});
