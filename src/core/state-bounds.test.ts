import { expect, test } from 'vitest';
import { checkStateWrite, STATE_BOUNDS, stateKeyParts } from './state-bounds.ts';

test('a key is taken apart at its first slash', () => {
  expect(stateKeyParts('calibration/openai/ft:gpt-4o:acme::1')).toEqual({
    namespace: 'calibration',
    name: 'openai/ft:gpt-4o:acme::1',
  });
  expect(stateKeyParts('a//')).toEqual({ namespace: 'a', name: '/' });
});

test.each([
  ['no slash', 'calibration'],
  ['no namespace', '/gpt-4o'],
  ['no name', 'calibration/'],
  ['a namespace in capitals', 'Calibration/gpt-4o'],
  ['a namespace that begins with a digit', '1a/gpt-4o'],
  ['a long namespace', `${'a'.repeat(33)}/gpt-4o`],
  ['a control character', 'calibration/gpt\u0000'],
  ['a line break', 'calibration/gpt\n'],
  ['half of a surrogate pair', 'calibration/\ud83d'],
  ['a byte too many', `a/${'é'.repeat(255)}x`],
])('a key with %s is refused', (_what, key) => {
  expect(() => stateKeyParts(key)).toThrow(RangeError);
});

test('sizes are counted in bytes of UTF-8, and those at the bound are taken', () => {
  expect(stateKeyParts(`a/${'é'.repeat(255)}`).name).toHaveLength(255);
  const terms = { ttlMs: 1 };
  const fits = 'ü'.repeat(STATE_BOUNDS.maxValueBytes / 2);
  expect(() => checkStateWrite(fits, terms)).not.toThrow();
  expect(() => checkStateWrite(`${fits}x`, terms)).toThrow(RangeError);
  expect(() => checkStateWrite('x'.repeat(STATE_BOUNDS.maxValueBytes + 1), terms)).toThrow(RangeError);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, STATE_BOUNDS.maxTtlMs + 1])(
  'a life of %d ms is refused',
  (ttlMs) => {
    expect(() => checkStateWrite('1', { ttlMs })).toThrow(RangeError);
  },
);

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('a version of %d is refused', (expectedVersion) => {
  expect(() => checkStateWrite('1', { ttlMs: 1, expectedVersion })).toThrow(RangeError);
});

test('a value with half of a surrogate pair is refused: no store gives it back as it was', () => {
  expect(() => checkStateWrite('"\ud83d"', { ttlMs: 1 })).toThrow(RangeError);
  expect(() => checkStateWrite(JSON.stringify('\ud83d'), { ttlMs: 1 })).not.toThrow();
});
