import { expect, test } from 'vitest';
import { NO_PRESSURE, type Pressure, pressureAfter, type PressureReading, shedReason } from './pressure.ts';

const LIMITS = { maxLoopLagMs: 1000, maxHeapRatio: 0.9 };

function lags(...all: readonly number[]): readonly PressureReading[] {
  return all.map((loopLagMs) => ({ loopLagMs, heapRatio: 0.3 }));
}

function heaps(...all: readonly number[]): readonly PressureReading[] {
  return all.map((heapRatio) => ({ loopLagMs: 0, heapRatio }));
}

function after(readings: readonly PressureReading[], start: Pressure = NO_PRESSURE): Pressure {
  return readings.reduce((pressure, reading) => pressureAfter(pressure, reading, LIMITS), start);
}

/** Why interactive calls and those of a batch are shed. */
function shed(pressure: Pressure): readonly [string | undefined, string | undefined] {
  return [shedReason(pressure, 'interactive'), shedReason(pressure, 'batch')];
}

const NONE = [undefined, undefined];

test.each([
  ['one long stop', lags(0, 30_000, 0, 0)],
  ['long stops with calm between them', lags(5000, 0, 0, 5000, 0, 0, 5000, 0)],
  ['one full reading of memory', heaps(0.5, 0.99, 0.5)],
  ['lag and memory just at half their bounds', [...lags(500, 500, 500, 500), ...heaps(0.81, 0.81, 0.81)]],
])('a blip sheds nothing: %s', (_what, readings) => {
  for (let seen = 1; seen <= readings.length; seen += 1) expect(shed(after(readings.slice(0, seen)))).toEqual(NONE);
});

test('a loop that is late twice in three readings sheds all calls', () => {
  expect(shed(after(lags(1100, 0, 1100)))).toEqual(['loop-lag', 'loop-lag']);
  expect(shed(after(lags(1100, 1100)))).toEqual(['loop-lag', 'loop-lag']);
});

test('calls of a batch are shed from half the lag on, and from nine tenths of the memory bound', () => {
  expect(shed(after(lags(600, 600)))).toEqual([undefined, 'loop-lag']);
  expect(shed(after(heaps(0.85, 0.85)))).toEqual([undefined, 'heap']);
  expect(shed(after(heaps(0.91, 0.91)))).toEqual(['heap', 'heap']);
});

test('shedding ends after four calm readings in a row, for interactive calls first', () => {
  const strained = after(lags(1500, 1500, 1500));
  expect(shed(after(lags(400, 400, 400), strained))).toEqual(['loop-lag', 'loop-lag']);
  expect(shed(after(lags(400, 400, 400, 400), strained))).toEqual([undefined, 'loop-lag']);
  expect(shed(after(lags(400, 400, 400, 600, 400, 400, 400), strained))).toEqual(['loop-lag', 'loop-lag']);
  expect(shed(after(lags(200, 200, 200, 200), strained))).toEqual(NONE);
});

test('what stays between the two bounds changes nothing: no flapping', () => {
  const strained = after(heaps(0.95, 0.95));
  expect(shed(after(heaps(0.89, 0.87, 0.89, 0.88, 0.89, 0.88), strained))).toEqual(['heap', 'heap']);
  expect(shed(after(heaps(0.89, 0.87, 0.89, 0.88, 0.89, 0.88)))).toEqual([undefined, 'heap']);
});

test('memory is named before lag where both are short', () => {
  const both = { loopLagMs: 5000, heapRatio: 0.99 };
  expect(shed(after([both, both]))).toEqual(['heap', 'heap']);
});

test('lower bounds of a reload hold from the next reading on', () => {
  const calm = after(lags(300, 300, 300));
  const next = pressureAfter(calm, { loopLagMs: 300, heapRatio: 0.3 }, { ...LIMITS, maxLoopLagMs: 200 });
  expect([shed(calm), shed(next)]).toEqual([NONE, ['loop-lag', 'loop-lag']]);
});
