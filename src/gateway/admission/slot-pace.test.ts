import { expect, test } from 'vitest';
import { SlotPace } from './slot-pace.ts';

test('before any slot became free the answer is at least a second, then as long as has been waited already', () => {
  const pace = new SlotPace();
  pace.foundFull(50_000);
  expect([pace.retryAfterMs(0, 50_000), pace.retryAfterMs(500, 50_200), pace.retryAfterMs(0, 54_000)]).toEqual([
    1000, 1000, 4000,
  ]);
});

test('the answer is how long the calls ahead take at the pace at which slots became free', () => {
  const pace = new SlotPace();
  pace.foundFull(1000);
  for (let freed = 1; freed <= 20; freed += 1) pace.freed(1000 + freed * 100);
  expect([pace.retryAfterMs(0, 3000), pace.retryAfterMs(49, 3000), pace.retryAfterMs(99, 3000)]).toEqual([
    1000, 5000, 10_000,
  ]);
});

test('the answer is never above half a minute', () => {
  const pace = new SlotPace();
  pace.foundFull(0);
  pace.freed(5000);
  expect(pace.retryAfterMs(1000, 5000)).toBe(30_000);
});

test('an old pace counts less than a new one, and is forgotten when no call had to wait for long', () => {
  const pace = new SlotPace();
  pace.foundFull(0);
  pace.freed(8000);
  for (let freed = 1; freed <= 200; freed += 1) pace.freed(8000 + freed * 50);
  pace.foundFull(18_000);
  expect(pace.retryAfterMs(99, 18_000)).toBeLessThan(9000);
  pace.foundFull(40_000);
  expect(pace.retryAfterMs(99, 40_000)).toBe(1000);
});
