import { CANCELLED, cancelledResult } from '../../core/batch/cancelled-result.ts';
import { FarthingError } from '../../core/errors.ts';
import { type DeferredCall, type Job, wasAskedLive } from '../../core/model/deferred-call.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import type { Engine } from '../../engine/engine-request.ts';
import type { Clock } from '../../ports/clock.ts';
import type { JobChange, JobStore } from '../../ports/job-store.ts';
import { errorBody } from '../../wire/error-body.ts';

/** What {@link DeferredCalls} works with. @internal */
export interface DeferredCallsOptions {
  readonly jobs: Pick<JobStore, 'read' | 'update'>;
  /** The engine of now. */
  readonly engine: () => Pick<Engine, 'settleDeferred' | 'publish'>;
  readonly clock: Clock;
  /** Told of a call that was taken back: its batch may have nothing left to answer. */
  readonly onCancelled: (job: Job) => void;
}

/** For how long a call is kept from workers while it is taken back, in milliseconds: longer than a ledger takes to write. Ours. */
const CANCEL_LEASE_MS = 60_000;

/** Tries to take back a call that others work on at the same time. */
const MAX_TRIES = 5;

/** Calls that are answered later, as their callers see them. @internal */
export class DeferredCalls {
  readonly #options: DeferredCallsOptions;

  constructor(options: DeferredCallsOptions) {
    this.#options = options;
  }

  /** A call of the project's, if it was deferred. One whose caller has not been told of it does not exist. */
  async find(callId: string, project: string): Promise<Job | undefined> {
    const [job] = await this.#options.jobs.read([callId]);
    return job?.call.project === project && job.state !== 'accepting' ? job : undefined;
  }

  /**
   * Takes a call back: one that waits is never sent, and its money is free again. What is in a batch is no longer wanted; it is charged if the provider has answered it
   * by the time at which the batch is cancelled, which it is when nobody wants any of its calls.
   * @returns the call as it is then; one that was answered before stays answered.
   * @throws FarthingError `invalid-request` with status 409 for a call that is being answered right now.
   */
  async cancel(callId: string, project: string): Promise<Job | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- somebody else was faster: what it is now decides
      const job = await this.find(callId, project);
      if (job === undefined || job.state === 'done') return job;
      // oxlint-disable-next-line no-await-in-loop -- see above
      const cancelled = await this.#cancelOne(job);
      if (cancelled !== undefined) return cancelled;
    }
    throw busy();
  }

  /** Undefined: somebody has changed the job in between. */
  async #cancelOne(job: Job): Promise<Job | undefined> {
    const nowMs = this.#options.clock.nowMs();
    // Its batch has answered it while it was being asked: both are about to be put together.
    if (job.result !== undefined) throw busy();
    if (job.state === 'live' && job.leaseUntilMs > nowMs) throw busy();
    const isInBatch = job.batchId !== undefined;
    // The batch settles what it was charged: nothing is released here.
    return isInBatch ? this.#end(job, undefined) : this.#release(job, nowMs);
  }

  /** Frees the money of a call that is in no batch. Held first, so that no batch is made of it in between. */
  async #release(job: Job, nowMs: number): Promise<Job | undefined> {
    const { engine } = this.#options;
    const held = await this.#change(job, { state: 'live', leaseUntilMs: nowMs + CANCEL_LEASE_MS });
    if (held === undefined) return undefined;
    const end = { kind: 'none', outcome: CANCELLED, wasAskedLive: wasAskedLive(job) } as const;
    const { record } = await engine().settleDeferred(job.call, end);
    const ended = await this.#end(held, record);
    if (ended?.result !== undefined) engine().publish(ended.result.record);
    return ended;
  }

  async #end(job: Job, record: Parameters<typeof cancelledResult>[1]['record']): Promise<Job | undefined> {
    const nowMs = this.#options.clock.nowMs();
    const result = cancelledResult(job.call, { nowMs, body: cancelledBody(job.call), record });
    // Its caller knows.
    const ended = await this.#change(job, { state: 'done', result, leaseUntilMs: 0, toldAtMs: nowMs });
    if (ended !== undefined) this.#options.onCancelled(ended);
    return ended;
  }

  /** The job as it is after the change; undefined when it was not as it was thought to be. */
  async #change(job: Job, set: JobChange['set']): Promise<Job | undefined> {
    const { jobs } = this.#options;
    const { callId } = job.call;
    const [isMade] = await jobs.update([{ callId, version: job.version, set }]);
    if (isMade !== true) return undefined;
    const [changed] = await jobs.read([callId]);
    return changed;
  }
}

function cancelledBody({ endpoint, callId }: DeferredCall): string {
  const error = new FarthingError('invalid-request', 'the call was cancelled by its caller', { status: 410 });
  return errorBody(ENDPOINTS[endpoint].protocol, error, callId);
}

function busy(): FarthingError {
  return new FarthingError('invalid-request', 'the call is being answered: it cannot be cancelled any more', {
    status: 409,
  });
}
