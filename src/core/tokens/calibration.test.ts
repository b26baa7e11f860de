import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  calibrate,
  calibratedTokens,
  type CalibrationState,
  errorOf,
  NOTHING_LEARNT,
  readCalibration,
} from './calibration.ts';

const TARGET = 'anthropic/claude-next';

function learnt(
  calls: readonly (readonly [estimate: number, actual: number])[],
  state: CalibrationState = NOTHING_LEARNT,
): CalibrationState {
  return calls.reduce(
    (before, [estimateTokens, actualTokens]) =>
      calibrate(before, { target: TARGET, hasTools: false, estimateTokens, actualTokens }),
    state,
  );
}

function after(state: CalibrationState, estimateTokens: number, hasTools = false): number {
  return calibratedTokens(state, { target: TARGET, hasTools, estimateTokens });
}

test('where nothing was learnt an estimate stays as it is', () => {
  expect(after(NOTHING_LEARNT, 1234)).toBe(1234);
  expect(errorOf(NOTHING_LEARNT, TARGET)).toBeUndefined();
});

test('a constant, a factor, and both are found within eight calls', () => {
  const sizes = [120, 3000, 640, 5000, 1800, 260, 4100, 900];
  const found = (billed: (estimate: number) => number): number =>
    after(learnt(sizes.map((size) => [size, Math.round(billed(size))])), 2000);
  expect(found((size) => size + 346)).toBe(2346);
  expect(found((size) => 1.3 * size)).toBe(2600);
  expect(Math.abs(found((size) => 1.4 * size + 300) - 3100)).toBeLessThanOrEqual(3);
});

test('one call alone changes nothing, three that agree do', () => {
  expect(after(learnt([[1000, 1300]]), 1000)).toBe(1000);
  const three = learnt([
    [1000, 1300],
    [1010, 1313],
    [990, 1287],
  ]);
  expect(after(three, 1000)).toBe(1300);
});

test('a target that is counted to the token stays so whatever a few of its calls are billed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 5, max: 9000 }), { minLength: 12, maxLength: 40 }),
      fc.array(fc.tuple(fc.nat(11), fc.integer({ min: 1, max: 90_000 })), { maxLength: 4 }),
      (sizes, outliers) => {
        const calls = sizes.map((size, index): readonly [number, number] => {
          const outlier = outliers.find(([place]) => place === index);
          return [size, outlier?.[1] ?? size];
        });
        const state = learnt(calls);
        expect(sizes.every((size) => after(state, size) === size)).toBe(true);
      },
    ),
  );
});

test('prompts with tools and without are learnt apart, and so are targets', () => {
  const calls = [1, 2, 3, 4].map((call) => 100 * call);
  const state = calls.reduce(
    (before, size) =>
      calibrate(before, { target: TARGET, hasTools: true, estimateTokens: size, actualTokens: size + 500 }),
    NOTHING_LEARNT,
  );
  expect(after(state, 250, true)).toBe(750);
  expect(after(state, 250, false)).toBe(250);
  expect(calibratedTokens(state, { target: 'other', hasTools: true, estimateTokens: 250 })).toBe(250);
});

test('the error that is shown is of counts as they were made, before their own call taught anything', () => {
  const state = learnt([
    [100, 200],
    [100, 200],
    [100, 200],
  ]);
  expect(errorOf(state, TARGET)).toEqual({ medianRatio: 0.5, calls: 3 });
  const better = learnt(
    Array.from({ length: 40 }, () => [100, 200] as const),
    state,
  );
  expect(errorOf(better, TARGET)).toEqual({ medianRatio: 0, calls: 32 });
  expect(errorOf(better, TARGET, true)).toBeUndefined();
});

test('counts that are none teach nothing', () => {
  const counts = [0, -1, Number.NaN, Infinity];
  for (const count of counts) {
    expect(learnt([[count, 100]])).toBe(NOTHING_LEARNT);
    expect(learnt([[100, count]])).toBe(NOTHING_LEARNT);
  }
});

test('what is kept is bounded by calls and by targets', () => {
  let state = NOTHING_LEARNT;
  for (let call = 0; call < 700; call += 1) {
    state = calibrate(state, { target: `t${call}`, hasTools: false, estimateTokens: 10, actualTokens: 12 });
  }
  expect(Object.keys(state.targets)).toHaveLength(512);
  expect(errorOf(state, 't699')?.calls).toBe(1);
  expect(errorOf(state, 't0')).toBeUndefined();
  const long = learnt(Array.from({ length: 500 }, (_, call) => [1000 + call, 1400 + call] as const));
  expect(JSON.stringify(long).length).toBeLessThan(2000);
});

test('it survives a store as JSON, and what is no calibration is left out', () => {
  const state = learnt([
    [100, 140],
    [200, 280],
    [300, 420],
    [250, 350],
  ]);
  expect(readCalibration(JSON.parse(JSON.stringify(state)))).toEqual(state);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(readCalibration(value).targets).toBeTypeOf('object');
      expect(readCalibration({ targets: { x: value } }).targets['x']).toBeUndefined();
    }),
  );
  expect(readCalibration({ targets: { x: { estimates: [1], actuals: [1, 2], errorRatios: [] } } }).targets).toEqual({});
});

test('a target of any name is kept apart from the object that holds it', () => {
  const state = calibrate(NOTHING_LEARNT, {
    target: '__proto__',
    hasTools: false,
    estimateTokens: 10,
    actualTokens: 20,
  });
  expect(errorOf(state, '__proto__')?.calls).toBe(1);
});
