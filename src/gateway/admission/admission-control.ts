import type { Logger } from 'pino';
import { FarthingError } from '../../core/errors.ts';
import { CALL_PRIORITIES, type CallPriority } from '../../core/model/call-priority.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import { CallQueue } from './call-queue.ts';
import type { PressureLimits } from './pressure.ts';
import { PressureMonitor } from './pressure-monitor.ts';
import { ShedLog, type ShedReason } from './shed-log.ts';
import { SlotPace } from './slot-pace.ts';
import { type ClientConnection, WaitingCall } from './waiting-call.ts';

/** What bounds the calls of a gateway. @internal */
export interface AdmissionLimits extends PressureLimits {
  readonly maxInFlight: number;
  /** 0: nobody waits. */
  readonly maxQueued: number;
  readonly queueWaitMs: number;
}

/** What admission works with. @internal */
export interface AdmissionControlOptions {
  /** Read at each call, since a reload may change them. */
  readonly limits: () => AdmissionLimits;
  /** Memory in use as a share of what there is. */
  readonly memoryRatio: () => number;
  readonly metrics: Pick<AdmissionMetrics, 'shed' | 'waited' | 'watch'>;
  readonly log: Pick<Logger, 'warn'>;
}

const WORDS: Readonly<Record<ShedReason, string>> = {
  'queue-full': 'too many calls at a time',
  'queue-timeout': 'too many calls at a time: none ended in time for this one',
  'loop-lag': 'the gateway is behind with its work',
  heap: 'the gateway is short of memory',
  draining: 'the gateway is stopping',
};

/** When to come back after a refusal that no pace is known of, in milliseconds: shedding ends after a calm second at the earliest, memory takes some collections. */
const RETRY_MS: Readonly<Record<'loop-lag' | 'heap' | 'draining', number>> = {
  'loop-lag': 2000,
  heap: 5000,
  draining: 1000,
};

/**
 * Decides which calls run, which wait and which are refused, before anything of them is read but their head. A call that is let in at
 * once costs a few comparisons: no promise, no timer.
 * @internal
 */
export class AdmissionControl {
  readonly #options: AdmissionControlOptions;
  readonly #queue = new CallQueue<WaitingCall>();
  readonly #pace = new SlotPace();
  readonly #pressure: PressureMonitor;
  readonly #shedLog: ShedLog;
  #isDraining = false;
  #onIdle: (() => void) | undefined;

  constructor(options: AdmissionControlOptions) {
    this.#options = options;
    this.#pressure = new PressureMonitor({
      ...options,
      onShed: (priority, reason) => this.#sendAllAway(priority, reason),
    });
    this.#shedLog = new ShedLog(options.log);
    options.metrics.watch({ waiting: () => this.#queue.waiting, pressure: () => this.#pressure.reading });
  }

  /** Calls under way, those whose body still comes included. */
  get inFlight(): number {
    return this.#queue.running;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Whether even interactive calls are refused because the process is strained. */
  get isShedding(): boolean {
    return this.#pressure.reason('interactive') !== undefined;
  }

  /**
   * Refuses calls that will not be let in, before anything is done for them.
   * @throws FarthingError `overloaded` under strain, or while the gateway stops.
   */
  demandOpen(priority: CallPriority): void {
    const reason = this.#isDraining ? 'draining' : this.#pressure.reason(priority);
    if (reason === undefined) return;
    this.#count(reason, priority);
    throw overloaded(reason, RETRY_MS[reason]);
  }

  /**
   * Counts a call as under way until {@link AdmissionControl.leave}. Undefined: from now on. A promise: from when it resolves on; it
   * rejects with `overloaded` when the call is refused after all, and with `client-left`.
   * @throws FarthingError `overloaded` when the call is refused.
   */
  enter(priority: CallPriority, client: ClientConnection): Promise<void> | undefined {
    this.demandOpen(priority);
    const limits = this.#options.limits();
    return this.#queue.tryRun(limits.maxInFlight) ? undefined : this.#wait(priority, client, limits);
  }

  /** The counterpart of {@link AdmissionControl.enter}. */
  leave(): void {
    const { maxInFlight } = this.#options.limits();
    if (this.#queue.running >= maxInFlight) this.#pace.freed(performance.now());
    this.#queue.free();
    this.#fill(maxInFlight);
    if (this.#queue.running === 0) this.#onIdle?.();
  }

  /** Takes no more calls and sends those away that wait; resolves when those under way are over. */
  drain(): Promise<void> {
    this.#isDraining = true;
    for (const priority of CALL_PRIORITIES) this.#sendAllAway(priority, 'draining');
    if (this.#queue.running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  close(): void {
    this.#pressure.close();
    this.#shedLog.close();
  }

  #wait(priority: CallPriority, client: ClientConnection, limits: AdmissionLimits): Promise<void> {
    // Its `close` has been emitted and will not be again.
    if (client.destroyed) throw clientLeft();
    const nowMs = performance.now();
    const ahead = this.#queue.waiting;
    this.#pace.foundFull(nowMs);
    const call = new WaitingCall(priority, client, nowMs);
    const verdict = this.#queue.wait(call, limits.maxQueued);
    if (verdict.kind === 'full') {
      this.#count('queue-full', priority);
      throw overloaded('queue-full', this.#pace.retryAfterMs(ahead, nowMs));
    }
    const { place, displaced } = verdict;
    if (displaced !== undefined) this.#sendAway(displaced, 'queue-full', this.#pace.retryAfterMs(ahead, nowMs));
    const turn = call.wait(limits.queueWaitMs, (end) => {
      this.#queue.remove(place);
      if (end === 'client-left') call.refuse(clientLeft());
      else this.#sendAway(call, 'queue-timeout', this.#pace.retryAfterMs(this.#queue.waiting, performance.now()));
    });
    // A reload may have raised the limit since the last call ended.
    this.#fill(limits.maxInFlight);
    return turn;
  }

  #fill(maxInFlight: number): void {
    for (let call = this.#queue.next(maxInFlight); call !== undefined; call = this.#queue.next(maxInFlight)) {
      this.#options.metrics.waited(call.priority, performance.now() - call.sinceMs);
      call.run();
    }
  }

  #sendAllAway(priority: CallPriority, reason: keyof typeof RETRY_MS): void {
    for (const call of this.#queue.empty(priority)) this.#sendAway(call, reason, RETRY_MS[reason]);
  }

  #sendAway(call: WaitingCall, reason: ShedReason, retryAfterMs: number): void {
    this.#count(reason, call.priority);
    call.refuse(overloaded(reason, retryAfterMs));
  }

  #count(reason: ShedReason, priority: CallPriority): void {
    this.#options.metrics.shed(reason, priority);
    if (reason === 'queue-full' || reason === 'queue-timeout') this.#shedLog.refused(reason, priority);
  }
}

function overloaded(reason: ShedReason, retryAfterMs: number): FarthingError {
  return new FarthingError('overloaded', WORDS[reason], { retryable: true, retryAfterMs });
}

function clientLeft(): FarthingError {
  return new FarthingError('client-left', 'the client closed the connection while its call waited');
}
