import { backoffMs } from '../core/backoff.ts';
import type { BudgetAlert } from '../core/budget/budget-alert.ts';
import { FarthingError } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import { SignedPost, type SignedMessage, type SignedReceiver } from './signed-post.ts';

/** What {@link AlertDelivery} is made of. @internal */
export interface AlertDeliveryOptions {
  /** Undefined: alerts are dropped until there is one. */
  readonly webhook: SignedReceiver | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of alerts that were given up or dropped, as `store-failed` of `alerts`. */
  readonly events: EventSink;
  /** The longest first pause before a further try, in milliseconds. @defaultValue 10_000 */
  readonly baseMs?: number;
  /** For how long an answer is waited for, in milliseconds. @defaultValue 10_000 */
  readonly timeoutMs?: number;
  /** Alerts that wait; past it the oldest is dropped. @defaultValue 1_000 */
  readonly maxWaiting?: number;
}

interface Delivery extends SignedMessage {
  failures: number;
  dueAtMs: number;
}

/** Eight tries: with pauses of half their longest on average they end after eight minutes, at the latest after sixteen. */
const MAX_TRIES = 8;
const BASE_MS = 10_000;
const CAP_MS = 320_000;

const MAX_WAITING = 1_000;

/** Requests under way at a time: a receiver is not flooded when many users cross their limits at once. */
const MAX_SENDING = 4;

/**
 * Posts alerts of budgets to the operator's address, signed, and again when that fails. Nothing waits for it. What has not been delivered when
 * it is closed is lost: the log and the metrics have every alert as well.
 * @internal
 */
export class AlertDelivery {
  readonly #options: AlertDeliveryOptions;
  readonly #post: SignedPost;
  readonly #closing = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  #webhook: SignedReceiver | undefined;
  #waiting: Delivery[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AlertDeliveryOptions) {
    this.#options = options;
    this.#webhook = options.webhook;
    const { clock, timeoutMs } = options;
    this.#post = new SignedPost({ clock, timeoutMs, maxConnections: MAX_SENDING });
  }

  /** Posts to another address from now on, also what waits; undefined drops what waits. */
  setWebhook(webhook: SignedReceiver | undefined): void {
    this.#webhook = webhook;
    if (webhook === undefined) this.#waiting = [];
  }

  /** Takes an alert; returns at once. */
  deliver(alert: BudgetAlert): void {
    if (this.#webhook === undefined || this.#closing.signal.aborted) return;
    const { random, clock, maxWaiting = MAX_WAITING } = this.#options;
    const id = `alert_${random.hex(32)}`;
    this.#waiting.push({ id, body: alertBody(id, alert), failures: 0, dueAtMs: clock.monotonicMs() });
    if (this.#waiting.length > maxWaiting) {
      this.#waiting.shift();
      this.#fault('queue', `more than ${maxWaiting} alerts wait: the oldest is dropped`);
    }
    this.#pump();
  }

  /** Sends nothing more. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#waiting = [];
    await Promise.all(this.#sending);
    await this.#post.close();
  }

  /** Sends what is due, and wakes up for what is due next. */
  #pump(): void {
    clearTimeout(this.#timer);
    const nowMs = this.#options.clock.monotonicMs();
    while (this.#sending.size < MAX_SENDING) {
      const at = this.#waiting.findIndex(({ dueAtMs }) => dueAtMs <= nowMs);
      const [delivery] = at === -1 ? [] : this.#waiting.splice(at, 1);
      if (delivery === undefined) break;
      const sent: Promise<void> = this.#send(delivery).finally(() => {
        this.#sending.delete(sent);
        if (!this.#closing.signal.aborted) this.#pump();
      });
      this.#sending.add(sent);
    }
    if (this.#waiting.length === 0 || this.#sending.size >= MAX_SENDING) return;
    const nextMs = Math.min(...this.#waiting.map(({ dueAtMs }) => dueAtMs));
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, Math.ceil(nextMs - nowMs))).unref();
  }

  async #send(delivery: Delivery): Promise<void> {
    const webhook = this.#webhook;
    if (webhook === undefined) return;
    const outcome = await this.#post.send(webhook, delivery, this.#closing.signal);
    if (outcome.kind === 'done' || this.#closing.signal.aborted) return;
    delivery.failures += 1;
    if (outcome.kind === 'retry' && delivery.failures < MAX_TRIES) return this.#again(delivery);
    this.#fault('deliver', `an alert could not be delivered in ${delivery.failures} tries`, outcome.problem);
  }

  #again(delivery: Delivery): void {
    const { clock, random, baseMs = BASE_MS } = this.#options;
    const pauseMs = backoffMs(delivery.failures, { baseMs, capMs: CAP_MS }, random.fraction());
    delivery.dueAtMs = clock.monotonicMs() + pauseMs;
    // At the end: a new alert past the bound drops the one that failed longest ago.
    this.#waiting.push(delivery);
  }

  #fault(operation: 'deliver' | 'queue', message: string, problem?: string | Error): void {
    const text = typeof problem === 'string' ? `${message}: the receiver ${problem}` : message;
    const error = new FarthingError('internal', text, problem instanceof Error ? { cause: problem } : {});
    this.#options.events.emit({ kind: 'store-failed', store: 'alerts', operation, error });
  }
}

function alertBody(id: string, alert: BudgetAlert): string {
  const { budget, value, mode, ratio, windowEndsAtMs } = alert;
  return JSON.stringify({
    kind: 'budget-alert',
    id,
    budget,
    value,
    mode,
    ratio,
    usedUsd: formatUsd(alert.usedNanoUsd),
    limitUsd: formatUsd(alert.limitNanoUsd),
    at: new Date(alert.atMs).toISOString(),
    windowEndsAt: windowEndsAtMs === undefined ? null : new Date(windowEndsAtMs).toISOString(),
  });
}
