import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_CACHE_CONTROL, parseCacheControl } from './cache-control.ts';

test('every request directive of RFC 9111 is read, in any case and spacing', () => {
  expect(parseCacheControl('No-Cache,no-store ,ONLY-IF-CACHED, max-age=60,min-fresh="5", max-stale=10')).toEqual({
    noCache: true,
    noStore: true,
    onlyIfCached: true,
    maxAgeMs: 60_000,
    minFreshMs: 5000,
    maxStaleMs: 10_000,
  });
});

test('an absent or empty header and unknown directives ask for nothing', () => {
  for (const header of [undefined, '', ',,', 'no-transform, foo="bar"', 'public', 'max-ages=1']) {
    expect(parseCacheControl(header)).toEqual(NO_CACHE_CONTROL);
  }
});

test('`max-stale` without a value accepts any age', () => {
  expect(parseCacheControl('max-stale').maxStaleMs).toBe(Infinity);
});

test('a value that cannot be read takes its strictest meaning', () => {
  expect(parseCacheControl('max-age=soon').maxAgeMs).toBe(0);
  expect(parseCacheControl('max-age').maxAgeMs).toBe(0);
  expect(parseCacheControl('max-age=-1').maxAgeMs).toBe(0);
  expect(parseCacheControl('min-fresh=x').minFreshMs).toBe(Infinity);
  expect(parseCacheControl('max-stale=1.5').maxStaleMs).toBe(0);
  expect(parseCacheControl(`max-age=60,${'x'.repeat(2000)}`)).toEqual({ ...NO_CACHE_CONTROL, noCache: true });
});

test('the first of two counts, and a huge number is bounded', () => {
  expect(parseCacheControl('max-age=1, max-age=2').maxAgeMs).toBe(1000);
  expect(parseCacheControl('max-age=99999999999999999999').maxAgeMs).toBe(2 ** 31 * 1000);
});

test('no header makes it throw, or gives a duration that is none', () => {
  const word = fc.constantFrom('max-age', 'min-fresh', 'max-stale', '=', ',', '"', ' ', '9', 'no-cache', '\u0000');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join('')),
      ),
      (header) => {
        const { maxAgeMs, minFreshMs, maxStaleMs } = parseCacheControl(header);
        for (const value of [maxAgeMs, minFreshMs, maxStaleMs]) expect(value ?? 0).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});
