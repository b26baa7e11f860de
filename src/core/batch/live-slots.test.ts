import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LiveSlots } from './live-slots.ts';

const NOW_MS = 1_800_000_000_000;

test('a call alone is asked in the last time that ends before it must be', () => {
  expect(new LiveSlots(60).latest(NOW_MS + 61_000, NOW_MS)).toBe(NOW_MS + 55_000);
  expect(new LiveSlots(2).latest(NOW_MS + 61_000, NOW_MS)).toBe(NOW_MS + 30_000);
});

test('a burst is spread over the times before, and what finds no room is asked at once', () => {
  const slots = new LiveSlots(12);
  const times = Array.from({ length: 13 }, () => {
    const atMs = slots.latest(NOW_MS + 60_000, NOW_MS);
    slots.book(atMs);
    return (atMs - NOW_MS) / 1000;
  });
  expect(times).toEqual([55, 50, 45, 40, 35, 30, 25, 20, 15, 10, 5, 0, Number.NEGATIVE_INFINITY]);
});

test('a call that is answered leaves its room, and what is over is forgotten', () => {
  const slots = new LiveSlots(12);
  for (let call = 0; call < 2; call += 1) slots.book(slots.latest(NOW_MS + 60_000, NOW_MS));
  slots.release(NOW_MS + 55_000);
  expect(slots.latest(NOW_MS + 60_000, NOW_MS)).toBe(NOW_MS + 55_000);
  slots.forget(NOW_MS + 55_000);
  expect(slots.latest(NOW_MS + 55_000, NOW_MS)).toBe(NOW_MS + 50_000);
});

test('whatever is booked, calls made in the order of their times and at the rate begin before they must', () => {
  const call = fc.record({ atMs: fc.nat({ max: 600_000 }), leftMs: fc.integer({ min: 0, max: 900_000 }) });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 200 }), fc.integer({ min: 1, max: 300 }), (calls, perMinute) => {
      const slots = new LiveSlots(perMinute);
      const due: { readonly atMs: number; readonly lastMs: number }[] = [];
      for (const { atMs, leftMs } of calls.toSorted((left, right) => left.atMs - right.atMs)) {
        const lastMs = NOW_MS + atMs + leftMs;
        const latestMs = slots.latest(lastMs, NOW_MS + atMs);
        if (latestMs < NOW_MS + atMs) continue; // asked at once: not what the book is about
        slots.book(latestMs);
        due.push({ atMs: latestMs, lastMs });
      }
      let nextMs = 0;
      for (const { atMs, lastMs } of due.toSorted((left, right) => left.atMs - right.atMs)) {
        const begunMs = Math.max(atMs, nextMs);
        nextMs = begunMs + 60_000 / perMinute;
        expect(begunMs).toBeLessThanOrEqual(lastMs + 0.01);
      }
    }),
  );
});
