import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_CACHE_CONTROL, parseCacheControl } from './cache-control.ts';
import { ageMs, entryTimes, freshness } from './freshness.ts';

const LIFETIME = { ttlMs: 1000, staleIfErrorMs: 500 };
const entry = entryTimes(100, LIFETIME);

describe('times', () => {
  test('an entry is fresh for its ttl, then stale, then gone, each border belonging to the later state', () => {
    const at = (nowMs: number): string => freshness(entry, nowMs, NO_CACHE_CONTROL);
    expect([100, 1099, 1100, 1599, 1600].map((nowMs) => at(nowMs))).toEqual([
      'fresh',
      'fresh',
      'stale',
      'stale',
      'expired',
    ]);
  });

  test('without `staleIfError` an entry is gone when it is stale', () => {
    const short = entryTimes(0, { ...LIFETIME, staleIfErrorMs: 0 });
    expect(freshness(short, 1000, NO_CACHE_CONTROL)).toBe('expired');
  });

  test('a duration that is none is refused', () => {
    for (const ttlMs of [Infinity, Number.NaN, -1])
      expect(() => entryTimes(0, { ...LIFETIME, ttlMs })).toThrow(RangeError);
    expect(() => entryTimes(0, { ...LIFETIME, staleIfErrorMs: Infinity })).toThrow(RangeError);
  });

  test('an age is never negative', () => {
    expect(ageMs(entry, 50)).toBe(0);
    expect(ageMs(entry, 350)).toBe(250);
  });
});

describe('wishes of the caller', () => {
  const worth = (nowMs: number, header: string): string =>
    freshness(entryTimes(0, { ttlMs: 60_000, staleIfErrorMs: 60_000 }), nowMs, parseCacheControl(header));

  test('`no-cache` and `no-store` make every entry unfit', () => {
    expect(worth(0, 'no-cache')).toBe('unfit');
    expect(worth(0, 'no-store')).toBe('unfit');
  });

  test('`max-age` bounds the age, its second included', () => {
    expect(worth(10_000, 'max-age=10')).toBe('fresh');
    expect(worth(10_001, 'max-age=10')).toBe('unfit');
    expect(worth(1, 'max-age=0')).toBe('unfit');
  });

  test('`min-fresh` asks for time left', () => {
    expect(worth(50_000, 'min-fresh=10')).toBe('fresh');
    expect(worth(50_001, 'min-fresh=10')).toBe('unfit');
  });

  test('`max-stale` narrows how stale, and never makes fresh what is not', () => {
    expect(worth(65_000, 'max-stale=5')).toBe('stale');
    expect(worth(65_001, 'max-stale=5')).toBe('unfit');
    expect(worth(119_999, 'max-stale')).toBe('stale');
    expect(worth(120_000, 'max-stale')).toBe('expired');
  });

  test('no wish makes an entry worth more', () => {
    const rank = { fresh: 3, stale: 2, unfit: 1, expired: 0 };
    const directive = fc.constantFrom(
      'no-cache',
      'max-age=1',
      'max-age=100',
      'min-fresh=1',
      'max-stale',
      'max-stale=1',
      'only-if-cached',
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2000 }), fc.array(directive), (nowMs, directives) => {
        const wish = freshness(entry, nowMs, parseCacheControl(directives.join(',')));
        expect(rank[wish]).toBeLessThanOrEqual(Math.max(1, rank[freshness(entry, nowMs, NO_CACHE_CONTROL)]));
      }),
    );
  });
});
