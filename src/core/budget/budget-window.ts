import type { BudgetWindow } from './budget.ts';

/** Where a moment stands in a window. @public */
export interface WindowPosition {
  /**
   * Number of the bucket that money spent at this moment goes into: for a calendar window its beginning in Unix milliseconds, for a
   * rolling one the count of its sixtieths since 1970, 0 for a total.
   */
  readonly bucket: number;
  /** First bucket that counts at this moment. */
  readonly floorBucket: number;
  /** When the window ends, Unix milliseconds; undefined for rolling windows and totals. */
  readonly endsAtMs: number | undefined;
}

type CalendarUnit = Extract<BudgetWindow, { readonly kind: 'calendar' }>['unit'];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** 1 January 1970 was a Thursday: the Monday before it is three days earlier. */
const MONDAY_SHIFT_MS = 3 * DAY_MS;

/** A rolling window is counted in this many buckets. */
const ROLLING_BUCKETS = 60;

const TOTAL: WindowPosition = Object.freeze({ bucket: 0, floorBucket: 0, endsAtMs: undefined });

/** Bounds of what is remembered; a configuration names a handful of zones. */
const MAX_ZONES = 64;

/** The window asked for last, by zone: nearly every call falls into it again. */
const lastWindows: Readonly<Record<CalendarUnit, Map<string, WindowPosition>>> = {
  hour: new Map(),
  day: new Map(),
  week: new Map(),
  month: new Map(),
};

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Where a moment stands in a window.
 *
 * A calendar window begins at the first moment whose local time has reached the beginning of an hour, day, week (Monday) or month. So a day
 * whose midnight is skipped begins when clocks jump; where clocks go back over a border, the later window keeps what it has begun and the
 * repeated time belongs to it; an hour that comes twice is one window. Windows follow each other without a gap and never overlap.
 *
 * A rolling window is counted in sixtieths of its length, and a sixtieth counts until its last moment is a whole length old: money is
 * forgotten up to a sixtieth late, never early.
 * @param timezone - IANA name; only calendar windows look at it.
 * @throws RangeError when a calendar window's zone is not known.
 * @public
 */
export function windowPosition(window: BudgetWindow, timezone: string, atMs: number): WindowPosition {
  switch (window.kind) {
    case 'total':
      return TOTAL;
    case 'rolling':
      return {
        bucket: sixtiethAt(atMs, window.lengthMs),
        floorBucket: sixtiethAt(atMs - window.lengthMs, window.lengthMs),
        endsAtMs: undefined,
      };
    case 'calendar': {
      const last = lastWindows[window.unit].get(timezone);
      if (last?.endsAtMs !== undefined && last.bucket <= atMs && atMs < last.endsAtMs) return last;
      const position = calendarPosition(window.unit, timezone, atMs);
      remember(lastWindows[window.unit], timezone, position);
      return position;
    }
  }
}

/** The earliest time at which a charge can have been made that still counts at `atMs`, Unix milliseconds. @public */
export function windowStartMs(window: BudgetWindow, timezone: string, atMs: number): number {
  const { floorBucket } = windowPosition(window, timezone, atMs);
  return window.kind === 'rolling' ? Math.ceil((floorBucket * window.lengthMs) / ROLLING_BUCKETS) : floorBucket;
}

/**
 * When money comes free again: at the end of a calendar window, or when the oldest bucket with money leaves a rolling one.
 * @param oldestBucket - the oldest bucket of the window with money in it, where there is one.
 * @returns Unix milliseconds; undefined where that never happens, or nothing was spent.
 * @public
 */
export function resetsAtMs(
  window: BudgetWindow,
  position: WindowPosition,
  oldestBucket: number | undefined,
): number | undefined {
  if (window.kind !== 'rolling') return position.endsAtMs;
  if (oldestBucket === undefined) return undefined;
  return Math.ceil(((oldestBucket + 1) * window.lengthMs) / ROLLING_BUCKETS) + window.lengthMs;
}

/** Multiplies first: the product is exact where a sixtieth of the length is not. */
function sixtiethAt(atMs: number, lengthMs: number): number {
  return Math.floor((atMs * ROLLING_BUCKETS) / lengthMs);
}

function calendarPosition(unit: CalendarUnit, timezone: string, atMs: number): WindowPosition {
  const format = zoneFormat(timezone);
  let local = unitStart(unit, atMs + offsetMs(format, atMs));
  let bucket = firstReached(format, local);
  for (;;) {
    local = nextStart(unit, local);
    const next = firstReached(format, local);
    // Reached before now: clocks have gone back over a border, or jumped over a whole window.
    if (next > atMs) return { bucket, floorBucket: bucket, endsAtMs: next };
    bucket = next;
  }
}

/** Beginning of the unit that a local time is in. Local times are written as if they were Unix milliseconds. */
function unitStart(unit: CalendarUnit, localMs: number): number {
  switch (unit) {
    case 'hour':
      return Math.floor(localMs / HOUR_MS) * HOUR_MS;
    case 'day':
      return Math.floor(localMs / DAY_MS) * DAY_MS;
    case 'week':
      return Math.floor((localMs + MONDAY_SHIFT_MS) / WEEK_MS) * WEEK_MS - MONDAY_SHIFT_MS;
    case 'month': {
      const date = new Date(localMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    }
  }
}

function nextStart(unit: CalendarUnit, startMs: number): number {
  switch (unit) {
    case 'hour':
      return startMs + HOUR_MS;
    case 'day':
      return startMs + DAY_MS;
    case 'week':
      return startMs + WEEK_MS;
    case 'month': {
      const date = new Date(startMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    }
  }
}

/** No zone has ever been further from UTC than 15 hours and a half. */
const WIDEST_OFFSET_MS = 16 * HOUR_MS;
/** Shorter than any time between two changes of a zone's clock. */
const PROBE_MS = 4 * HOUR_MS;

/** The first moment at which a zone's local time is `localMs` or later. */
function firstReached(format: Intl.DateTimeFormat, localMs: number): number {
  let fromMs = localMs - WIDEST_OFFSET_MS;
  let offset = offsetMs(format, fromMs);
  for (let untilMs = fromMs + PROBE_MS; ; untilMs += PROBE_MS) {
    const nextOffset = offsetMs(format, untilMs);
    const changesAtMs = nextOffset === offset ? untilMs : offsetChange(format, fromMs, untilMs);
    const reachedMs = Math.max(fromMs, localMs - offset);
    if (reachedMs < changesAtMs) return reachedMs;
    if (nextOffset !== offset && changesAtMs + nextOffset >= localMs) return changesAtMs;
    if (nextOffset !== offset && localMs - nextOffset < untilMs) return localMs - nextOffset;
    fromMs = untilMs;
    offset = nextOffset;
  }
}

/** The moment in between at which the offset changes. */
function offsetChange(format: Intl.DateTimeFormat, fromMs: number, untilMs: number): number {
  const before = offsetMs(format, fromMs);
  let low = fromMs;
  let high = untilMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(format, middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** How far a zone's local time is ahead of UTC. */
function offsetMs(format: Intl.DateTimeFormat, atMs: number): number {
  const fields: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of format.formatToParts(atMs)) fields[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
}

function zoneFormat(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  remember(formats, timezone, format);
  return format;
}

function remember<T>(memory: Map<string, T>, key: string, value: T): void {
  if (memory.size >= MAX_ZONES && !memory.has(key)) memory.clear();
  memory.set(key, value);
}
