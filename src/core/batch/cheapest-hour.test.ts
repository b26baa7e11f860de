import { expect, test } from 'vitest';
import { nanoUsd } from '../money.ts';
import { cheapestHour } from './cheapest-hour.ts';

const HOUR_MS = 3_600_000;
/** A Monday at midnight UTC. */
const MONDAY_MS = Date.UTC(2026, 10, 23);

/** Dear from one to four and from six to ten o'clock UTC, as DeepSeek has it. */
function priceAt(atMs: number): ReturnType<typeof nanoUsd> {
  const hour = (atMs % (24 * HOUR_MS)) / HOUR_MS;
  return nanoUsd((hour >= 1 && hour < 4) || (hour >= 6 && hour < 10) ? 1000 : 500);
}

test('the next cheaper hour is found', () => {
  expect(cheapestHour(priceAt, MONDAY_MS + 2 * HOUR_MS + 1234, MONDAY_MS + 24 * HOUR_MS)).toEqual({
    atMs: MONDAY_MS + 4 * HOUR_MS,
    amountNanoUsd: 500,
  });
});

test('now is taken where no later time is cheaper', () => {
  const nowMs = MONDAY_MS + 4.5 * HOUR_MS + 17;
  expect(cheapestHour(priceAt, nowMs, nowMs + 24 * HOUR_MS)).toEqual({ atMs: nowMs, amountNanoUsd: 500 });
});

test('nothing behind the last time is looked at, and the last time is', () => {
  const fromMs = MONDAY_MS + 2 * HOUR_MS;
  expect(cheapestHour(priceAt, fromMs, MONDAY_MS + 4 * HOUR_MS - 1)).toEqual({ atMs: fromMs, amountNanoUsd: 1000 });
  expect(cheapestHour(priceAt, fromMs, MONDAY_MS + 4 * HOUR_MS)?.atMs).toBe(MONDAY_MS + 4 * HOUR_MS);
  expect(cheapestHour(priceAt, fromMs, fromMs - 1)).toEqual({ atMs: fromMs, amountNanoUsd: 1000 });
});

test('a window that begins between two quarters is found to the minute', () => {
  const begins = MONDAY_MS + 16 * HOUR_MS + 37 * 60_000;
  const late = (atMs: number): ReturnType<typeof nanoUsd> => nanoUsd(atMs < begins ? 4 : 1);
  expect(cheapestHour(late, MONDAY_MS, MONDAY_MS + 20 * HOUR_MS)).toEqual({ atMs: begins, amountNanoUsd: 1 });
});

test('what has no price at some times is asked at the others, and never where it has none', () => {
  const known = (atMs: number): ReturnType<typeof nanoUsd> | undefined =>
    atMs < MONDAY_MS + HOUR_MS ? undefined : nanoUsd(7);
  expect(cheapestHour(known, MONDAY_MS, MONDAY_MS + 2 * HOUR_MS)?.atMs).toBe(MONDAY_MS + HOUR_MS);
  expect(cheapestHour(() => undefined, MONDAY_MS, MONDAY_MS + HOUR_MS)).toBeUndefined();
});
