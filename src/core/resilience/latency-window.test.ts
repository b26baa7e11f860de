import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyWindow } from './latency-window.ts';

test('below twenty times nothing is known', () => {
  const window = new LatencyWindow();
  for (let count = 0; count < 19; count += 1) window.add(10);
  expect(window.percentile(0.95)).toBeUndefined();
  window.add(10);
  expect(window.percentile(0.95)).toBe(10);
});

test('a percentile is a time that was seen, of the last 128', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 140, maxLength: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (times, ratio) => {
        const window = new LatencyWindow();
        for (const timeMs of times) window.add(timeMs);
        // Sorted anew every twenty times.
        const known = new Set(times.slice(-128 - 20));
        expect(known.has(window.percentile(ratio) ?? -1)).toBe(true);
      },
    ),
  );
});

test('the share that it names stayed within it', () => {
  const window = new LatencyWindow();
  for (let timeMs = 1; timeMs <= 100; timeMs += 1) window.add(timeMs);
  expect(window.percentile(0.95)).toBe(96);
  expect(window.percentile(0)).toBe(1);
  expect(window.percentile(1)).toBe(100);
});
