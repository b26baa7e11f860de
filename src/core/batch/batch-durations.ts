/** How one batch ended. @public */
export interface BatchEnd {
  /** Unix milliseconds. */
  readonly endedAtMs: number;
  /** Since it was submitted, in milliseconds. */
  readonly ms: number;
  /** Whether it did not end by itself, and would have taken longer: it was cancelled, or expired. */
  readonly isCensored: boolean;
}

/** How the latest batches of a provider ended. Plain data, at most {@link MAX_ENDS} long. @public */
export interface BatchDurations {
  /** Since when all ends are in the list, in Unix milliseconds; 0: since ever. */
  readonly sinceMs: number;
  /** The oldest first. */
  readonly ends: readonly BatchEnd[];
}

/**
 * Most ends that are kept. Ours: providers have slow days, of which the latest batches tell, and a plan turns at one half, which fifty tell from a fifth
 * or from four (`bench/deadlines.bench.ts`).
 */
const MAX_ENDS = 50;

/** Nothing is known yet but that batches end within a day. @public */
export const NO_DURATIONS: BatchDurations = { sinceMs: 0, ends: [] };

/** What is known after one more batch has ended. @public */
export function observed({ sinceMs, ends }: BatchDurations, end: BatchEnd): BatchDurations {
  const all = [...ends, { ...end, ms: Math.max(1, end.ms) }];
  const dropped = all.length > MAX_ENDS ? all.shift() : undefined;
  return { sinceMs: Math.max(sinceMs, dropped?.endedAtMs ?? sinceMs), ends: all };
}

/** Reads durations that were stored; none where it is something else. @public */
export function readDurations(stored: unknown): BatchDurations {
  if (!isRecord(stored)) return NO_DURATIONS;
  const { sinceMs, ends } = stored;
  if (!isNumber(sinceMs) || !Array.isArray(ends) || !ends.every(isEnd)) return NO_DURATIONS;
  return { sinceMs, ends: ends.slice(-MAX_ENDS) };
}

function isEnd(value: unknown): value is BatchEnd {
  return (
    isRecord(value) && isNumber(value['endedAtMs']) && isNumber(value['ms']) && typeof value['isCensored'] === 'boolean'
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
