import type { RunPurse } from '../../core/batch/run-purse.ts';
import { cancelledResult } from '../../core/batch/cancelled-result.ts';
import { FarthingError } from '../../core/errors.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import { type Job, type UnansweredPolicy, wasAskedLive } from '../../core/model/deferred-call.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { ZERO_USD } from '../../core/money.ts';
import type { Deferral, Purse } from '../../middleware/compose.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { Jobs } from '../../ports/job-store.ts';
import { errorBody } from '../../wire/error-body.ts';
import type { BatchDesk } from './batch-desk.ts';
import type { DeferredEngine } from './batch-parts.ts';
import { jobPages } from './batch-shipment.ts';
import type { BatchWorker } from './batch-worker.ts';
import { CollectedReply } from './collected-reply.ts';
import type { RunBell } from './run-bell.ts';
import { bodyOf, changedItem, endedJob, faultyResult, repeatResult, type RunCall, type RunItem } from './run-jobs.ts';

/** What a run works with. @internal */
export interface BatchRunOptions {
  /** Names the run: what it has asked already is found by that. */
  readonly run: string;
  readonly jobs: Jobs;
  readonly desk: Pick<BatchDesk, 'deferralFor'>;
  readonly worker: Pick<BatchWorker, 'fill' | 'forget' | 'wake'>;
  readonly engine: Pick<DeferredEngine, 'settleDeferred' | 'publish'>;
  /** Makes one call as the run's owner, and gives its record where it is over at once. */
  readonly ask: (call: RunCall, terms: AskTerms) => Promise<CallRecord | undefined>;
  /** Rung for each job of the run that is done. */
  readonly bell: RunBell;
  readonly onUnanswered: UnansweredPolicy;
  readonly deadlineAtMs: number | undefined;
  /** Undefined: budgets alone bound what is spent. */
  readonly purse: RunPurse | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** With what a call of a run is made. @internal */
export interface AskTerms {
  readonly deferral: Deferral;
  readonly purse: Purse | undefined;
  readonly sink: CollectedReply;
  readonly signal: AbortSignal;
}

/** How a run is ended before its end. @internal */
export interface BatchRunSignals {
  /** Nothing more is asked, and what waits is cancelled. */
  readonly stop: AbortSignal;
  /** It is left as it is, to be taken up again. */
  readonly cut: AbortSignal;
}

/** Calls that are handed over at a time: each waits for the ledger's next commit, which they share. Ours. */
const ADDED_AT_A_TIME = 32;

/** Results that are read at a time. Ours: with their bodies they make a megabyte. */
const PAGE_JOBS = 100;

/** How often the store is asked when nothing rings, in milliseconds: another process may work on the run, too. Ours. */
const ASK_EVERY_MS = 5000;

/** Status of a call that a store or the ledger did not take. */
const STORE_DOWN = 503;

/** How often in a row an item is asked for that a store did not take, with longer pauses each time, in milliseconds. Ours: a minute in all; then the run fails, and can be taken up again. */
const MAX_FAILURES = 8;
const FAILURE_PAUSE_MS = 2000;

const STORES_DOWN = 'what keeps deferred calls, or the ledger, is down';

/**
 * Many calls that are answered by batches: adds them, waits for their answers, and gives those in order. Everything is in the store, so that the run may be left
 * at any moment and taken up again: what is there already is not added twice.
 * @internal
 */
export class BatchRun {
  readonly #options: BatchRunOptions;
  #added = 0;

  constructor(options: BatchRunOptions) {
    this.#options = options;
  }

  /** The jobs of the run, done, in order. Throws what `items` throws. */
  async *ends(items: AsyncIterable<RunItem>, signals: BatchRunSignals): AsyncGenerator<Job> {
    try {
      yield* this.#ends(items, signals);
    } finally {
      this.#options.worker.forget(this.#options.run);
    }
  }

  async *#ends(items: AsyncIterable<RunItem>, signals: BatchRunSignals): AsyncGenerator<Job> {
    await this.#add(items, AbortSignal.any([signals.stop, signals.cut]));
    let after: { readonly position: number; readonly callId: string } | undefined;
    while (!signals.cut.aborted) {
      const isStopped = signals.stop.aborted;
      // Each time: what a batch gives back unasked waits again.
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      if (isStopped) await this.#cancel();
      // oxlint-disable-next-line no-await-in-loop -- page by page
      const page = await this.#page(after);
      let isHeldUp = false;
      for (const job of page) {
        const { position, callId } = job.call;
        // Two processes that ran at once have asked an item twice: it has one result all the same, the first.
        const isSecond = position === after?.position;
        isHeldUp = !isSecond && job.state !== 'done';
        if (isHeldUp) break;
        after = { position, callId };
        if (!isSecond) yield job;
      }
      if (!isHeldUp && page.length < PAGE_JOBS) return;
      const heard = isStopped ? [signals.cut] : [signals.cut, signals.stop];
      // oxlint-disable-next-line no-await-in-loop
      if (isHeldUp) await this.#options.bell.wait(ASK_EVERY_MS, heard);
    }
  }

  /** Forgets the run. */
  async remove(): Promise<void> {
    const { jobs, run } = this.#options;
    for await (const page of jobPages(jobs, { run })) await jobs.remove(page.map(({ call }) => call.callId));
  }

  async #page(after: { readonly position: number; readonly callId: string } | undefined): Promise<readonly Job[]> {
    const { jobs, run } = this.#options;
    const page = await jobs.list({ run, ...(after && { after }), limit: PAGE_JOBS });
    // What was left behind from another time, and is no item of this one.
    return page.filter(({ call }) => call.position < this.#added);
  }

  async #add(items: AsyncIterable<RunItem>, stop: AbortSignal): Promise<void> {
    const { worker, run } = this.#options;
    const known = this.#known();
    let release = worker.fill(run);
    const waitsForMoney = (): void => {
      // What was added must be sent, or its money never comes back.
      release();
      release = () => undefined;
    };
    const adding = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    try {
      for await (const item of items) {
        if (stop.aborted || failure !== undefined) break;
        this.#added = item.position + 1;
        const before = await known(item.position);
        const added = this.#addOne(item, before, stop, waitsForMoney).catch((error: unknown) => {
          failure = { error };
        });
        adding.add(added);
        void added.finally(() => adding.delete(added));
        if (adding.size >= ADDED_AT_A_TIME) await Promise.race(adding);
      }
    } finally {
      await Promise.all(adding);
      release();
    }
    if (failure !== undefined) throw failure.error;
  }

  /** Finds what is there of a position, when asked position by position. */
  #known(): (position: number) => Promise<readonly Job[]> {
    const { jobs, run } = this.#options;
    const pages = jobPages(jobs, { run });
    let left: Job[] = [];
    let isOver = false;
    return async (position) => {
      const found: Job[] = [];
      for (;;) {
        const [first] = left;
        if (first === undefined) {
          if (isOver) return found;
          // oxlint-disable-next-line no-await-in-loop -- page by page
          const next = await pages.next();
          isOver = next.done === true;
          left = next.done === true ? [] : [...next.value];
        } else if (first.call.position > position) {
          return found;
        } else {
          left.shift();
          if (first.call.position === position) found.push(first);
        }
      }
    };
  }

  async #addOne(item: RunItem, before: readonly Job[], stop: AbortSignal, waitsForMoney: () => void): Promise<void> {
    const { jobs, run, purse } = this.#options;
    for (const job of before) {
      // oxlint-disable-next-line no-await-in-loop -- there is one, as a rule
      if (await this.#isKept(item, job)) return;
    }
    if (item.kind === 'fault') return jobs.add([endedJob(run, item, faultyResult(item, this.#options))]);
    if (item.kind === 'repeat') return jobs.add([endedJob(run, item, repeatResult(item, this.#options))]);
    let failures = 0;
    for (;;) {
      const share = purse?.share();
      // oxlint-disable-next-line no-await-in-loop -- again when money has come back, or stores have
      const isTaken = await this.#ask(item, share, stop);
      if (isTaken || stop.aborted) return;
      const isHeld = share?.refusal === 'held';
      if (isHeld) waitsForMoney();
      else failures += 1;
      if (failures >= MAX_FAILURES) throw new FarthingError('store-unavailable', STORES_DOWN, { retryable: true });
      // oxlint-disable-next-line no-await-in-loop
      await this.#options.bell.wait(isHeld ? ASK_EVERY_MS : (failures - 1) * FAILURE_PAUSE_MS, [stop]);
    }
  }

  /** Whether a job of before stands for the item. What was never begun, or failed, is asked anew. */
  async #isKept(item: RunItem, job: Job): Promise<boolean> {
    const { jobs, engine, purse } = this.#options;
    const { callId, boundNanoUsd } = job.call;
    const isOver = job.state === 'done' && job.batchId === undefined;
    if (isOver && job.result?.outcome !== 'complete') {
      await jobs.remove([callId]);
      return false;
    }
    if (job.state === 'accepting' || (job.state === 'live' && job.liveAtMs === undefined)) {
      // Whoever accepted it, or was about to cancel it, is gone: there is one process a run.
      await engine.settleDeferred(job.call, { kind: 'none', outcome: 'never-asked', wasAskedLive: wasAskedLive(job) });
      await jobs.remove([callId]);
      return false;
    }
    if (job.call.body !== bodyOf(item)) throw changedItem(item.position);
    if (!isOver) purse?.share().take(boundNanoUsd);
    return true;
  }

  /** Asks for an item. False: it is to be asked again. */
  async #ask(item: RunCall, share: ReturnType<RunPurse['share']> | undefined, stop: AbortSignal): Promise<boolean> {
    const { desk, run, onUnanswered, deadlineAtMs, ask, jobs, clock } = this.#options;
    const { position, label } = item;
    const terms = { run, position, label, deadlineAtMs, webhookUrl: undefined, onUnanswered, mayAnswerLive: false };
    const sink = new CollectedReply();
    const record = await ask(item, { deferral: desk.deferralFor(terms), purse: share, sink, signal: stop });
    if (sink.status === 202) return true;
    if (share?.refusal === 'held') return false;
    if (sink.status === STORE_DOWN) return this.#isTaken(sink.callId, share);
    if (stop.aborted) return false;
    if (record === undefined) throw new FarthingError('internal', `item ${position} left no record`);
    const isCached = record.cacheStatus === 'hit' || record.cacheStatus === 'stale';
    const way = isCached ? 'cache' : 'none';
    const { status } = sink;
    const result = {
      status,
      body: sink.text(),
      way,
      outcome: record.outcome,
      finishedAtMs: clock.nowMs(),
      record,
    } as const;
    await jobs.add([endedJob(run, item, result)]);
    return true;
  }

  /** Whether a call was accepted although a store seemed to fail. What was kept of one that was not is taken away. */
  async #isTaken(callId: string, share: ReturnType<RunPurse['share']> | undefined): Promise<boolean> {
    const { jobs, engine } = this.#options;
    const [job] = await jobs.read([callId]);
    if (job === undefined) return false;
    if (job.state !== 'accepting') {
      share?.take(job.call.boundNanoUsd);
      return true;
    }
    await engine.settleDeferred(job.call, { kind: 'none', outcome: 'never-asked' });
    await jobs.remove([callId]);
    return false;
  }

  /** What waits is done with, and what is in a batch comes back as cancelled, or answered. */
  async #cancel(): Promise<void> {
    const { jobs, run, clock, worker } = this.#options;
    for await (const page of jobPages(jobs, { run, states: ['waiting', 'live'] })) {
      // What is being asked right now is answered in a moment.
      const idle = page.filter(({ leaseUntilMs }) => leaseUntilMs <= clock.nowMs());
      await Promise.all(idle.map((job) => this.#cancelOne(job)));
    }
    const underWay = await jobs.batches({ run });
    const batchIds = underWay.map(({ batchId }) => batchId);
    await jobs.cancelBatches(batchIds, clock.nowMs());
    worker.wake();
  }

  async #cancelOne(job: Job): Promise<void> {
    const { jobs, engine, clock, bell } = this.#options;
    const { callId, endpoint } = job.call;
    // First it is taken out of the queue, so that no batch is made of it meanwhile.
    const [isHeld] = await jobs.update([{ callId, version: job.version, set: { state: 'live', liveAtMs: undefined } }]);
    if (isHeld !== true) return;
    const end = { kind: 'none', outcome: 'cancelled', wasAskedLive: wasAskedLive(job) } as const;
    const { record } = await engine.settleDeferred(job.call, end);
    const error = new FarthingError('client-left', 'the run was stopped before this item was answered');
    const body = errorBody(ENDPOINTS[endpoint].protocol, error, callId);
    const result = cancelledResult(job.call, { nowMs: clock.nowMs(), body, record });
    engine.publish(result.record);
    await jobs.update([{ callId, version: job.version + 1, set: { state: 'done', result } }]);
    bell.ring({ ...job, state: 'done', result });
  }
}

/** Settles the money of a job that is done: its bound comes back, less what it cost. @internal */
export function settlePurse(purse: RunPurse | undefined, { call, result }: Job): void {
  purse?.share().settle(call.boundNanoUsd, result?.record.costNanoUsd ?? ZERO_USD);
}
