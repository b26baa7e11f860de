import { expect, test } from 'vitest';
import { RestartPause } from './restart-pause.ts';

test('each worker that dies soon after another is started again later, up to a bound', () => {
  const pause = new RestartPause();
  expect(Array.from({ length: 9 }, (_, index) => pause.next(index * 1000))).toEqual([
    100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000,
  ]);
});

test('after a quiet minute the next is started again at once', () => {
  const pause = new RestartPause();
  pause.next(0);
  pause.next(1);
  expect(pause.next(60_002)).toBe(100);
});
