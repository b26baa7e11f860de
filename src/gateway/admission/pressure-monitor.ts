import type { Logger } from 'pino';
import { CALL_PRIORITIES, type CallPriority } from '../../core/model/call-priority.ts';
import {
  NO_PRESSURE,
  type Pressure,
  pressureAfter,
  type PressureLimits,
  type PressureReading,
  type PressureReason,
  shedReason,
  steadyReading,
} from './pressure.ts';

/** What a monitor watches and whom it tells. @internal */
export interface PressureMonitorOptions {
  /** Read at every sample, since a reload may change them. */
  readonly limits: () => PressureLimits;
  /** Memory in use as a share of what there is. */
  readonly memoryRatio: () => number;
  readonly log: Pick<Logger, 'warn'>;
  /** Told when calls of a priority begin to be shed. */
  readonly onShed: (priority: CallPriority, reason: PressureReason) => void;
}

/** How often is looked, in milliseconds. Three times is most of a second, and a look costs some microseconds. */
const SAMPLE_MS = 250;

/** Looks four times a second how late the event loop is and how full the memory, and knows whether calls are to be shed. @internal */
export class PressureMonitor {
  readonly #options: PressureMonitorOptions;
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #pressure: Pressure = NO_PRESSURE;
  #reasons: Readonly<Record<CallPriority, PressureReason | undefined>> = { interactive: undefined, batch: undefined };

  constructor(options: PressureMonitorOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  /** The middle of the last three readings. */
  get reading(): PressureReading {
    return steadyReading(this.#pressure.recent);
  }

  /** Why new calls of a priority are shed; undefined when they are not. */
  reason(priority: CallPriority): PressureReason | undefined {
    return this.#reasons[priority];
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const { limits, memoryRatio } = this.#options;
    const nowMs = performance.now();
    const loopLagMs = Math.max(0, nowMs - this.#lastMs - SAMPLE_MS);
    this.#lastMs = nowMs;
    this.#pressure = pressureAfter(this.#pressure, { loopLagMs, heapRatio: memoryRatio() }, limits());
    const before = this.#reasons;
    this.#reasons = {
      interactive: shedReason(this.#pressure, 'interactive'),
      batch: shedReason(this.#pressure, 'batch'),
    };
    for (const priority of CALL_PRIORITIES) this.#tell(priority, before[priority], this.#reasons[priority]);
  }

  #tell(priority: CallPriority, before: PressureReason | undefined, now: PressureReason | undefined): void {
    if ((before === undefined) === (now === undefined)) return;
    const { loopLagMs, heapRatio } = this.reading;
    const facts = { priority, reason: now ?? before, loopLagMs: Math.round(loopLagMs), heapRatio };
    this.#options.log.warn(facts, now === undefined ? 'calls are no longer shed' : 'calls are shed');
    if (now !== undefined) this.#options.onShed(priority, now);
  }
}
