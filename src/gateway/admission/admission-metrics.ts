import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CallPriority } from '../../core/model/call-priority.ts';
import type { PressureReading } from './pressure.ts';
import type { ShedReason } from './shed-log.ts';

/** Figures that are read when metrics are asked for. @internal */
export interface AdmissionGauges {
  readonly waiting: () => number;
  readonly pressure: () => PressureReading;
}

/** From a moment to the longest wait that clients put up with. In seconds. */
const WAIT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const MS_PER_SECOND = 1000;

/** Figures of who was let in and who was not. @internal */
export class AdmissionMetrics {
  readonly #shed: Counter<'reason' | 'priority'>;
  readonly #wait: Histogram<'priority'>;
  #gauges: AdmissionGauges | undefined;

  constructor(registers: Registry[]) {
    this.#shed = new Counter({
      name: 'farthing_calls_shed_total',
      help: 'Calls that were refused with 503 before they began.',
      labelNames: ['reason', 'priority'],
      registers,
    });
    this.#wait = new Histogram({
      name: 'farthing_queue_wait_seconds',
      help: 'How long calls waited for their turn; those that did not wait are left out.',
      labelNames: ['priority'],
      buckets: WAIT_BUCKETS,
      registers,
    });
    const gauge = (
      name: string,
      help: string,
      read: (gauges: AdmissionGauges) => number,
      aggregator: 'sum' | 'max',
    ): void => {
      const made: Gauge = new Gauge({
        name,
        help,
        aggregator,
        registers,
        collect: () => made.set(this.#gauges === undefined ? 0 : read(this.#gauges)),
      });
    };
    gauge('farthing_calls_queued', 'Calls that wait for their turn.', ({ waiting }) => waiting(), 'sum');
    // Of several workers the one that is worst off decides.
    gauge(
      'farthing_loop_lag_seconds',
      'How late the event loop is: the middle of the last three looks.',
      ({ pressure }) => pressure().loopLagMs / MS_PER_SECOND,
      'max',
    );
    gauge(
      'farthing_heap_ratio',
      'Memory in use as a share of what there is.',
      ({ pressure }) => pressure().heapRatio,
      'max',
    );
  }

  /** Where gauges are read from now on. */
  watch(gauges: AdmissionGauges): void {
    this.#gauges = gauges;
  }

  /** Counts a call that was refused. */
  shed(reason: ShedReason, priority: CallPriority): void {
    this.#shed.inc({ reason, priority });
  }

  /** Counts a call that had its turn after so long. */
  waited(priority: CallPriority, waitMs: number): void {
    this.#wait.observe({ priority }, waitMs / MS_PER_SECOND);
  }
}
