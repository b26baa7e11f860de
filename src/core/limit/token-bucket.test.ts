import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bucketFullAtMs,
  correctedBucket,
  fullBucket,
  refilledBucket,
  takeFromBucket,
  type TokenBucket,
} from './token-bucket.ts';

const TERMS = { capacity: 10, perMinute: 60 };

test('a full bucket gives its capacity at once and then what comes in', () => {
  const first = takeFromBucket(fullBucket(TERMS, 0), TERMS, { want: 10, least: 10, nowMs: 0 });
  expect(first).toMatchObject({ granted: 10, waitMs: 0 });
  expect(takeFromBucket(first.bucket, TERMS, { want: 1, least: 1, nowMs: 999 })).toMatchObject({
    granted: 0,
    waitMs: 1,
  });
  expect(takeFromBucket(first.bucket, TERMS, { want: 1, least: 1, nowMs: 1000 })).toMatchObject({ granted: 1 });
});

test('a debt is paid before anything is given', () => {
  const debt = correctedBucket(fullBucket(TERMS, 0), TERMS, -30, 0);
  expect(takeFromBucket(debt, TERMS, { want: 1, least: 1, nowMs: 0 })).toMatchObject({ granted: 0, waitMs: 21_000 });
  expect(bucketFullAtMs(debt, TERMS)).toBe(30_000);
});

test('time that goes back brings nothing, and its wait counts from there', () => {
  const { bucket } = takeFromBucket(fullBucket(TERMS, 60_000), TERMS, { want: 10, least: 10, nowMs: 60_000 });
  const early = takeFromBucket(bucket, TERMS, { want: 1, least: 1, nowMs: 0 });
  expect(early).toMatchObject({ granted: 0, waitMs: 61_000 });
  expect(refilledBucket(early.bucket, TERMS, 60_000)).toEqual(bucket);
});

test('a bucket that stands far in the future is brought back, as it was', () => {
  const { bucket } = takeFromBucket(fullBucket(TERMS, 86_400_000), TERMS, { want: 10, least: 10, nowMs: 86_400_000 });
  expect(takeFromBucket(bucket, TERMS, { want: 1, least: 1, nowMs: 0 })).toMatchObject({
    granted: 0,
    waitMs: 1000,
    bucket: { units: 0, atMs: 0 },
  });
});

test('after its wait, and not a millisecond before, a claim is granted', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: -100_000, max: 0 }),
      fc.nat({ max: 600_000 }),
      (capacity, perMinute, debt, nowMs) => {
        const terms = { capacity, perMinute };
        const bucket = correctedBucket(fullBucket(terms, 0), terms, debt - capacity, 0);
        const claim = { want: capacity, least: Math.ceil(capacity / 2), nowMs };
        const { waitMs } = takeFromBucket(bucket, terms, claim);
        if (waitMs === 0) return;
        expect(takeFromBucket(bucket, terms, { ...claim, nowMs: nowMs + waitMs }).granted).toBeGreaterThan(0);
        expect(takeFromBucket(bucket, terms, { ...claim, nowMs: nowMs + waitMs - 1 }).granted).toBe(0);
      },
    ),
  );
});

test('grants and what is left are what was there and came in, whatever the order', () => {
  const step = fc.record({
    elapsedMs: fc.nat({ max: 10_000 }),
    want: fc.integer({ min: 1, max: 20 }),
    least: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 600 }), (steps, perMinute) => {
      const terms = { capacity: 20, perMinute };
      let bucket: TokenBucket = fullBucket(terms, 0);
      let [nowMs, taken] = [0, 0];
      for (const { elapsedMs, want, least } of steps) {
        nowMs += elapsedMs;
        const result = takeFromBucket(bucket, terms, { want: Math.max(want, least), least, nowMs });
        bucket = result.bucket;
        taken += result.granted;
        expect(taken * 60_000).toBeLessThanOrEqual(20 * 60_000 + nowMs * perMinute - bucket.units);
      }
    }),
  );
});
