import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFarthingError } from '../../core/errors.ts';
import { deadlineTerms } from './deadline-terms.ts';

const NOW_MS = Date.UTC(2026, 10, 26, 8);
const WEEK_MS = 604_800_000;
const ALLOWED = ['https://hooks.example.com/'];

function faultOf(headers: Record<string, string>): readonly [param: string | undefined, message: string] {
  try {
    deadlineTerms(headers, ALLOWED, NOW_MS);
  } catch (error) {
    if (isFarthingError(error) && error.code === 'invalid-request') return [error.param, error.message];
    throw error;
  }
  return [undefined, 'none'];
}

test.each([
  ['6h', 21_600_000],
  ['90m', 5_400_000],
  [' 30s ', 30_000],
  ['7d', WEEK_MS],
  ['2026-11-27T08:00:00Z', 86_400_000],
  ['2026-11-27T08:00:00.500Z', 86_400_500],
  ['2026-11-26T10:00:00+01:00', 3_600_000],
  [String(NOW_MS / 1000 + 60), 60_000],
])('the deadline %s lies %d ms ahead', (text, aheadMs) => {
  expect(deadlineTerms({ 'x-farthing-deadline': text }, ALLOWED, NOW_MS)).toEqual({
    deadlineAtMs: NOW_MS + aheadMs,
    webhookUrl: undefined,
  });
});

test.each([
  ['', 'is not a time'],
  ['soon', 'is not a time'],
  ['6', 'is not a time'],
  ['6 h', 'is not a time'],
  ['-1h', 'is not a time'],
  ['1e3s', 'is not a time'],
  ['2026-11-27', 'is not a time'],
  ['2026-11-27T08:00:00', 'is not a time'],
  ['2026-02-30T08:00:00Z', 'is not a time'],
  [String(NOW_MS + 60_000), 'is not a time'],
  ['0s', 'has passed'],
  ['2026-11-26T08:00:00Z', 'has passed'],
  ['8d', 'more than 7 days'],
  ['999999999999999d', 'is not a time'],
  ['1h, 2h', 'is not a time'],
])('the deadline "%s" is refused, by name', (text, message) => {
  expect(faultOf({ 'x-farthing-deadline': text })).toEqual(['x-farthing-deadline', expect.stringContaining(message)]);
});

test('a call that names no deadline is an ordinary one', () => {
  expect(deadlineTerms({}, ALLOWED, NOW_MS)).toBeUndefined();
});

test('who is told must be allowed, and takes a deadline', () => {
  const url = 'https://hooks.example.com/answers';
  expect(deadlineTerms({ 'x-farthing-deadline': '1h', 'x-farthing-webhook': url }, ALLOWED, NOW_MS)?.webhookUrl).toBe(
    url,
  );
  expect(faultOf({ 'x-farthing-webhook': url })).toEqual([
    'x-farthing-webhook',
    'x-farthing-webhook has no effect without x-farthing-deadline',
  ]);
  expect(faultOf({ 'x-farthing-deadline': '1h', 'x-farthing-webhook': 'https://evil.example/' })).toEqual([
    'x-farthing-webhook',
    'x-farthing-webhook is not an address that this gateway may tell',
  ]);
});

test('whatever the headers say, a deadline lies ahead and within a week, or the header is named', () => {
  const text = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.tuple(fc.nat(), fc.constantFrom('ms', 's', 'm', 'h', 'd')).map(([count, unit]) => `${count}${unit}`),
  );
  fc.assert(
    fc.property(text, (deadline) => {
      const [param, message] = faultOf({ 'x-farthing-deadline': deadline });
      if (message !== 'none') return param === 'x-farthing-deadline';
      const terms = deadlineTerms({ 'x-farthing-deadline': deadline }, [], NOW_MS);
      const aheadMs = (terms?.deadlineAtMs ?? 0) - NOW_MS;
      return aheadMs > 0 && aheadMs <= WEEK_MS;
    }),
    { numRuns: 300 },
  );
});
