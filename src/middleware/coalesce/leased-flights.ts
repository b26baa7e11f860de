import { setTimeout as delay } from 'node:timers/promises';
import type { CacheKey } from '../../core/model/cache-entry.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { LeaseStore } from '../../ports/lease-store.ts';
import { type Call, decide, type Next, type Outcome } from '../compose.ts';

/** What {@link LeasedFlights} needs. @internal */
export interface LeasedFlightsOptions {
  readonly leaseStore: LeaseStore;
  /** Names this process. */
  readonly ownerId: string;
  /** Answers a call from the cache; false where the answer is not there, and the call is as it was. */
  readonly answer: (call: Call, key: CacheKey) => Promise<boolean>;
  /** Resolves when the answers written so far are where other processes look. */
  readonly settled: () => Promise<void>;
  /** Makes the next looks into the cache see what other processes have written by now. */
  readonly refresh: () => void;
  readonly events: EventSink;
  readonly clock: Clock;
}

/** How long a lease holds; a process that dies keeps the others waiting for no longer. In milliseconds. */
const LEASE_MS = 5000;

/** A lease survives one renewal that fails. */
const RENEW_MS = 2000;

/** First and longest pause between two looks for the answer of another process, in milliseconds. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

/** A lease store that takes longer has failed, in milliseconds: a call must not wait for what only saves money. */
const STORE_TIMEOUT_MS = 500;

/** For how long a lease store that failed is not asked again, in milliseconds: one that hangs would delay every call. */
const REST_MS = 1000;

/**
 * Longest wait for other processes, in milliseconds: where none of them gets an answer that may be stored, they would go one after the
 * other for ever.
 */
const MAX_WAIT_MS = 60_000;

/** How a flight begins: with or without the lease, or not at all. */
type Start = 'leased' | 'unleased' | 'answered' | 'left';

/**
 * Lets one of several processes lead a flight: the one that has the lease on its key. The others wait until the answer is in the cache; when
 * the lease ends without one, the next takes it. A lease store that fails or hangs is reported, and calls go on without it.
 * @internal
 */
export class LeasedFlights {
  readonly #options: LeasedFlightsOptions;
  #flights = 0;
  #restsUntil = -Infinity;

  constructor(options: LeasedFlightsOptions) {
    this.#options = options;
  }

  /** Runs `next` under the lease, or answers from what another process put into the cache. */
  async lead(call: Call, key: CacheKey, next: Next): Promise<Outcome> {
    // One for each flight: two of one process may overlap, when the first takes no more readers.
    const holderId = `${this.#options.ownerId}/${(this.#flights += 1)}`;
    const start = await this.#start(call, key, holderId);
    switch (start) {
      case 'leased':
        return this.#leadLeased(call, key, holderId, next);
      case 'unleased':
        return next(call);
      case 'answered':
        decide(call, 'coalesce', 'follow', 'other-process');
        return { kind: 'complete', facts: undefined };
      case 'left':
        return { kind: 'client-left', facts: undefined, neverSent: true };
    }
  }

  async #start(call: Call, key: CacheKey, holderId: string): Promise<Start> {
    const { clock } = this.#options;
    const giveUpAt = clock.monotonicMs() + MAX_WAIT_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // oxlint-disable-next-line no-await-in-loop -- each look comes after the last
      const start = await this.#tryToStart(call, key, holderId);
      if (start !== undefined) return start;
      if (clock.monotonicMs() >= giveUpAt) return 'unleased';
      // oxlint-disable-next-line no-await-in-loop
      if (!(await hasPaused(pauseMs, call.signal))) return 'left';
    }
  }

  /** Undefined: another process has the lease, and no answer yet. */
  async #tryToStart(call: Call, key: CacheKey, holderId: string): Promise<Start | undefined> {
    const isTaken = await this.#acquire(key, holderId);
    if (isTaken === undefined) return 'unleased';
    let start: Start | undefined;
    try {
      // Also with the lease in hand: who had it before may have stored the answer since this call looked for it, and since the cache did.
      if (isTaken) this.#options.refresh();
      if (await this.#options.answer(call, key)) start = 'answered';
      else if (isTaken) start = 'leased';
      return start;
    } finally {
      if (isTaken && start !== 'leased') void this.#release(key, holderId);
    }
  }

  async #leadLeased(call: Call, key: CacheKey, holderId: string, next: Next): Promise<Outcome> {
    const renewal = setInterval(() => void this.#acquire(key, holderId), RENEW_MS).unref();
    let hasAnswer = false;
    try {
      const outcome = await next(call);
      hasAnswer = outcome.kind === 'complete';
      return outcome;
    } finally {
      void this.#end(key, holderId, renewal, hasAnswer);
    }
  }

  /** Gives the lease back once others can find the answer. Nobody waits for it. */
  async #end(key: CacheKey, holderId: string, renewal: NodeJS.Timeout, hasAnswer: boolean): Promise<void> {
    if (hasAnswer) await this.#options.settled();
    clearInterval(renewal);
    await this.#release(key, holderId);
  }

  /** Undefined: the store cannot be asked. */
  async #acquire(key: CacheKey, holderId: string): Promise<boolean | undefined> {
    const { clock, leaseStore } = this.#options;
    if (clock.monotonicMs() < this.#restsUntil) return undefined;
    try {
      const acquired = leaseStore.acquire(key, holderId, LEASE_MS);
      const isTaken = await withinTimeout(acquired);
      if (isTaken === undefined) {
        acquired.then((late) => (late ? leaseStore.release(key, holderId) : undefined)).catch(() => undefined); // reported below
        throw new Error(`no answer within ${STORE_TIMEOUT_MS} ms`);
      }
      return isTaken;
    } catch (error) {
      this.#report('acquire', error);
      return undefined;
    }
  }

  async #release(key: CacheKey, holderId: string): Promise<void> {
    try {
      await this.#options.leaseStore.release(key, holderId);
    } catch (error) {
      this.#report('release', error);
    }
  }

  #report(operation: string, error: unknown): void {
    this.#restsUntil = this.#options.clock.monotonicMs() + REST_MS;
    this.#options.events.emit({ kind: 'store-failed', store: 'leases', operation, error });
  }
}

/** Undefined: it takes too long. A plain timer: an abort makes an error with a stack, which costs more than the question. */
function withinTimeout(question: Promise<boolean>): Promise<boolean | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, STORE_TIMEOUT_MS, undefined).unref();
    question.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** False when the signal ended the pause. */
async function hasPaused(pauseMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await delay(pauseMs, undefined, { signal });
    return true;
  } catch {
    return false; // a pause fails in no other way
  }
}
