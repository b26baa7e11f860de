import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CALL_ID_RANDOM_DIGITS, callIdAt, callIdTime } from './call-id.ts';

const moments = fc.integer({ min: Date.UTC(1973, 0), max: Date.UTC(2058, 0) });
const hex = fc.string({
  unit: fc.constantFrom(...'0123456789abcdef'.split('')),
  minLength: CALL_ID_RANDOM_DIGITS,
  maxLength: CALL_ID_RANDOM_DIGITS,
});

test('the id of a call tells when it arrived', () => {
  fc.assert(fc.property(moments, hex, (atMs, digits) => callIdTime(callIdAt(atMs, digits)) === atMs));
});

test('ids of calls sort by the time of their arrival', () => {
  fc.assert(
    fc.property(moments, moments, hex, hex, (first, second, left, right) => {
      fc.pre(first < second);
      expect(callIdAt(first, left) < callIdAt(second, right)).toBe(true);
    }),
  );
});

test.each(['', 'call_1', 'call_', 'chatcmpl-123', `call_00000000${'0'.repeat(20)}`, `call_mabcdefg${'x'.repeat(20)}`])(
  'an id of another form tells no time: %s',
  (callId) => {
    expect(callIdTime(callId)).toBeUndefined();
  },
);
