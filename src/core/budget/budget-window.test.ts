import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BudgetWindow } from './budget.ts';
import { resetsAtMs, windowPosition, windowStartMs } from './budget-window.ts';

const HOUR = 3_600_000;
const at = (text: string): number => Date.parse(text);
const iso = (ms: number | undefined): string => (ms === undefined ? '-' : new Date(ms).toISOString());
const calendar = (unit: 'hour' | 'day' | 'week' | 'month'): BudgetWindow => ({ kind: 'calendar', unit });

function bounds(unit: 'hour' | 'day' | 'week' | 'month', zone: string, moment: string): readonly [string, string] {
  const position = windowPosition(calendar(unit), zone, at(moment));
  expect(position.floorBucket).toBe(position.bucket);
  return [iso(position.bucket), iso(position.endsAtMs)];
}

describe('calendar windows', () => {
  test('begin at the local hour, day, Monday and month', () => {
    const moment = '2026-11-25T17:40:12.345Z';
    expect(bounds('hour', 'Europe/Berlin', moment)).toEqual(['2026-11-25T17:00:00.000Z', '2026-11-25T18:00:00.000Z']);
    expect(bounds('day', 'Europe/Berlin', moment)).toEqual(['2026-11-24T23:00:00.000Z', '2026-11-25T23:00:00.000Z']);
    expect(bounds('week', 'Europe/Berlin', moment)).toEqual(['2026-11-22T23:00:00.000Z', '2026-11-29T23:00:00.000Z']);
    expect(bounds('month', 'Europe/Berlin', moment)).toEqual(['2026-10-31T23:00:00.000Z', '2026-11-30T23:00:00.000Z']);
  });

  test('a moment on the border belongs to the window that begins', () => {
    const start = at('2026-01-01T00:00:00Z');
    expect(windowPosition(calendar('month'), 'UTC', start).bucket).toBe(start);
    expect(windowPosition(calendar('month'), 'UTC', start - 1).endsAtMs).toBe(start);
  });

  test('a day has 23 or 25 hours when clocks change', () => {
    expect(bounds('day', 'America/New_York', '2026-03-08T12:00:00Z')).toEqual([
      '2026-03-08T05:00:00.000Z',
      '2026-03-09T04:00:00.000Z',
    ]);
    expect(bounds('day', 'America/New_York', '2026-11-01T12:00:00Z')).toEqual([
      '2026-11-01T04:00:00.000Z',
      '2026-11-02T05:00:00.000Z',
    ]);
  });

  test('a day whose midnight is skipped begins when clocks jump', () => {
    expect(bounds('day', 'America/Sao_Paulo', '2018-11-04T12:00:00Z')).toEqual([
      '2018-11-04T03:00:00.000Z',
      '2018-11-05T02:00:00.000Z',
    ]);
  });

  test('a day whose midnight comes twice begins at the first', () => {
    // Havana turns back from 01:00 to 00:00.
    expect(bounds('day', 'America/Havana', '2026-11-01T05:30:00Z')).toEqual([
      '2026-11-01T04:00:00.000Z',
      '2026-11-02T05:00:00.000Z',
    ]);
  });

  test('a day that has begun is not taken back when clocks go back over midnight', () => {
    // St. John's turned back from 00:01 to 23:01 until 2011: the second 23:30 belongs to the day that had begun.
    const day = ['2010-11-07T02:30:00.000Z', '2010-11-08T03:30:00.000Z'];
    expect(bounds('day', 'America/St_Johns', '2010-11-07T02:30:30Z')).toEqual(day);
    expect(bounds('day', 'America/St_Johns', '2010-11-07T03:00:00Z')).toEqual(day);
  });

  test('a day that a zone left out has no window', () => {
    // Samoa had no 30 December 2011.
    expect(bounds('day', 'Pacific/Apia', '2011-12-30T09:59:59Z')[1]).toBe('2011-12-30T10:00:00.000Z');
    expect(bounds('day', 'Pacific/Apia', '2011-12-30T10:00:00Z')).toEqual([
      '2011-12-30T10:00:00.000Z',
      '2011-12-31T10:00:00.000Z',
    ]);
  });

  test('an hour that comes twice is one window, one that is skipped none', () => {
    expect(bounds('hour', 'Europe/Berlin', '2026-10-25T01:10:00Z')).toEqual([
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ]);
    expect(bounds('hour', 'Europe/Berlin', '2026-03-29T01:10:00Z')).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T02:00:00.000Z',
    ]);
  });

  test('offsets may have fractions of an hour', () => {
    expect(bounds('hour', 'Asia/Kathmandu', '2026-05-05T10:20:00Z')).toEqual([
      '2026-05-05T10:15:00.000Z',
      '2026-05-05T11:15:00.000Z',
    ]);
    // Lord Howe turns back from 02:00 to 01:30: the hour from 01:00 takes an hour and a half.
    expect(bounds('hour', 'Australia/Lord_Howe', '2026-04-04T15:10:00Z')).toEqual([
      '2026-04-04T14:00:00.000Z',
      '2026-04-04T15:30:00.000Z',
    ]);
  });

  test('an unknown zone is a RangeError', () => {
    expect(() => windowPosition(calendar('day'), 'Mars/Olympus', 0)).toThrow(RangeError);
  });
});

const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const moments = fc.integer({ min: at('1990-01-01'), max: at('2040-01-01') });
const units = fc.constantFrom('hour', 'day', 'week', 'month');

test('calendar windows follow each other without a gap and do not overlap, in every zone', () => {
  fc.assert(
    fc.property(units, zones, moments, (unit, zone, moment) => {
      const window = calendar(unit);
      const position = windowPosition(window, zone, moment);
      const { bucket, endsAtMs = Number.NaN } = position;
      expect(bucket).toBeLessThanOrEqual(moment);
      expect(endsAtMs).toBeGreaterThan(moment);
      expect(windowPosition(window, zone, endsAtMs).bucket).toBe(endsAtMs);
      expect(windowPosition(window, zone, bucket - 1).endsAtMs).toBe(bucket);
      // Asked afresh, without what was remembered, every moment within has the same window.
      for (const inside of [bucket, Math.floor((bucket + endsAtMs) / 2), endsAtMs - 1]) {
        windowPosition(window, zone, endsAtMs);
        expect(windowPosition(window, zone, inside)).toEqual(position);
      }
    }),
    { numRuns: 300 },
  );
}, 60_000);

test('a calendar window begins where the local clock first shows its beginning or later', () => {
  const clock = (zone: string, ms: number): string =>
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(ms);
  fc.assert(
    fc.property(zones, moments, (zone, moment) => {
      const { bucket, endsAtMs = 0 } = windowPosition(calendar('day'), zone, moment);
      expect(clock(zone, bucket - 1) < clock(zone, bucket)).toBe(true);
      expect(clock(zone, endsAtMs - 1) < clock(zone, endsAtMs)).toBe(true);
      expect(endsAtMs - bucket).toBeGreaterThanOrEqual(19 * HOUR);
    }),
    { numRuns: 300 },
  );
}, 60_000);

describe('rolling windows', () => {
  const lengths = fc.integer({ min: 60, max: 400 * 24 * HOUR });

  test('never forget money younger than their length, and all that is a sixtieth older', () => {
    fc.assert(
      fc.property(lengths, moments, fc.double({ min: 0, max: 1.2, noNaN: true }), (lengthMs, spentAt, share) => {
        const window: BudgetWindow = { kind: 'rolling', lengthMs };
        const now = spentAt + Math.floor(share * lengthMs);
        const { bucket } = windowPosition(window, 'UTC', spentAt);
        const position = windowPosition(window, 'UTC', now);
        const counts = bucket >= position.floorBucket;
        expect(position.floorBucket).toBeLessThanOrEqual(position.bucket);
        if (now - spentAt <= lengthMs) expect(counts).toBe(true);
        if (now - spentAt > (lengthMs * 61) / 60 + 1) expect(counts).toBe(false);
        if (counts) expect(spentAt).toBeGreaterThanOrEqual(windowStartMs(window, 'UTC', now));
        else expect(spentAt).toBeLessThan(windowStartMs(window, 'UTC', now));
      }),
    );
  });

  test('reset at the first moment at which their oldest money does not count any more', () => {
    fc.assert(
      fc.property(lengths, moments, (lengthMs, spentAt) => {
        const window: BudgetWindow = { kind: 'rolling', lengthMs };
        const position = windowPosition(window, 'UTC', spentAt);
        const resets = resetsAtMs(window, position, position.bucket) ?? 0;
        expect(windowPosition(window, 'UTC', resets).floorBucket).toBeGreaterThan(position.bucket);
        expect(windowPosition(window, 'UTC', resets - 1).floorBucket).toBeLessThanOrEqual(position.bucket);
      }),
    );
    const hour: BudgetWindow = { kind: 'rolling', lengthMs: HOUR };
    expect(resetsAtMs(hour, windowPosition(hour, 'UTC', 0), undefined)).toBeUndefined();
  });
});

test('a total is one bucket without an end', () => {
  const position = windowPosition({ kind: 'total' }, 'UTC', at('2026-01-01'));
  expect(position).toEqual({ bucket: 0, floorBucket: 0, endsAtMs: undefined });
  expect(windowStartMs({ kind: 'total' }, 'UTC', at('2026-01-01'))).toBe(0);
  expect(resetsAtMs({ kind: 'total' }, position, 0)).toBeUndefined();
});

test('a calendar window starts and resets at its borders', () => {
  const now = at('2026-11-25T12:00:00Z');
  const position = windowPosition(calendar('day'), 'UTC', now);
  expect(iso(windowStartMs(calendar('day'), 'UTC', now))).toBe('2026-11-25T00:00:00.000Z');
  expect(iso(resetsAtMs(calendar('day'), position, position.bucket))).toBe('2026-11-26T00:00:00.000Z');
});
