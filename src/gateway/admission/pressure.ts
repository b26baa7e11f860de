import type { CallPriority } from '../../core/model/call-priority.ts';

/** How strained the process is at a moment. @internal */
export interface PressureReading {
  /** How much later than due the event loop came to the reading. */
  readonly loopLagMs: number;
  /** Memory in use as a share of what there is. */
  readonly heapRatio: number;
}

/** From which strain on interactive calls are shed. @internal */
export interface PressureLimits {
  readonly maxLoopLagMs: number;
  readonly maxHeapRatio: number;
}

/** Why calls are shed. @internal */
export type PressureReason = 'loop-lag' | 'heap';

/** Whether calls are shed for one reason, and how many readings in a row have been low since. */
interface Latch {
  readonly isShedding: boolean;
  readonly calmReadings: number;
}

/** From where on calls are shed, and below what that ends: as shares of the limit. */
interface LatchBounds {
  readonly startRatio: number;
  readonly endRatio: number;
}

/** What readings up to now amount to. @internal */
export interface Pressure {
  /** The last three, newest last. */
  readonly recent: readonly [PressureReading, PressureReading, PressureReading];
  readonly latches: Readonly<Record<PressureReason, Readonly<Record<CallPriority, Latch>>>>;
}

/** So many readings in a row must be low before shedding ends. */
const CALM_READINGS = 4;

/** Calls of a batch are shed from half the lag, and from nine tenths of the memory, that interactive ones are. */
const BOUNDS: Readonly<Record<PressureReason, Readonly<Record<CallPriority, LatchBounds>>>> = {
  'loop-lag': {
    interactive: { startRatio: 1, endRatio: 0.5 },
    batch: { startRatio: 0.5, endRatio: 0.25 },
  },
  heap: {
    interactive: { startRatio: 1, endRatio: 0.95 },
    batch: { startRatio: 0.9, endRatio: 0.855 },
  },
};

const NOTHING: PressureReading = { loopLagMs: 0, heapRatio: 0 };
const OPEN: Latch = { isShedding: false, calmReadings: 0 };

/** Before the first reading. @internal */
export const NO_PRESSURE: Pressure = {
  recent: [NOTHING, NOTHING, NOTHING],
  latches: { 'loop-lag': { interactive: OPEN, batch: OPEN }, heap: { interactive: OPEN, batch: OPEN } },
};

/**
 * What one more reading changes. Shedding starts when two of the last three readings are above the bound: a single one, however high (a
 * long collection of garbage, a machine that slept), sheds nothing. It ends after a row of readings far enough below.
 * @internal
 */
export function pressureAfter(pressure: Pressure, reading: PressureReading, limits: PressureLimits): Pressure {
  const [, second, third] = pressure.recent;
  const recent: Pressure['recent'] = [second, third, reading];
  const steady = steadyReading(recent);
  const latch = (reason: PressureReason, priority: CallPriority): Latch => {
    const { startRatio, endRatio } = BOUNDS[reason][priority];
    const limit = reason === 'heap' ? limits.maxHeapRatio : limits.maxLoopLagMs;
    const [now, steadily] =
      reason === 'heap' ? [reading.heapRatio, steady.heapRatio] : [reading.loopLagMs, steady.loopLagMs];
    return latchAfter(pressure.latches[reason][priority], {
      isHigh: steadily > limit * startRatio,
      isLow: now < limit * endRatio,
    });
  };
  const both = (reason: PressureReason): Readonly<Record<CallPriority, Latch>> => ({
    interactive: latch(reason, 'interactive'),
    batch: latch(reason, 'batch'),
  });
  return { recent, latches: { 'loop-lag': both('loop-lag'), heap: both('heap') } };
}

/** The middle of the last three readings: what all rules look at. @internal */
export function steadyReading(recent: Pressure['recent']): PressureReading {
  const middle = (field: keyof PressureReading): number => {
    const [first, second, third] = [recent[0][field], recent[1][field], recent[2][field]];
    return Math.max(Math.min(first, second), Math.min(Math.max(first, second), third));
  };
  return { loopLagMs: middle('loopLagMs'), heapRatio: middle('heapRatio') };
}

/** Why calls of a priority are shed; undefined when they are not. @internal */
export function shedReason({ latches }: Pressure, priority: CallPriority): PressureReason | undefined {
  if (latches.heap[priority].isShedding) return 'heap';
  return latches['loop-lag'][priority].isShedding ? 'loop-lag' : undefined;
}

function latchAfter(
  { isShedding, calmReadings }: Latch,
  { isHigh, isLow }: { readonly isHigh: boolean; readonly isLow: boolean },
): Latch {
  if (!isShedding) return { isShedding: isHigh, calmReadings: 0 };
  const calm = isLow ? calmReadings + 1 : 0;
  return { isShedding: calm < CALM_READINGS, calmReadings: calm };
}
