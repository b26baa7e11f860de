import type { BatchPlan } from '../../core/batch/batch-plan.ts';
import { FarthingError } from '../../core/errors.ts';
import { BATCH_ATTEMPT, type DeferredCall, type Job, type UnansweredPolicy } from '../../core/model/deferred-call.ts';
import type { AcceptedCall, Deferral, DeferredReply } from '../../middleware/compose.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Jobs } from '../../ports/job-store.ts';
import type { BatchPlanner } from './batch-planner.ts';

/** What a {@link BatchDesk} works with. @public */
export interface BatchDeskOptions {
  readonly jobs: Pick<Jobs, 'add' | 'update'>;
  readonly planner: Pick<BatchPlanner, 'plan'>;
  readonly clock: Clock;
  /** Told when a call waits: whoever works need not look for it. */
  readonly onAdded?: (() => void) | undefined;
}

/** On which terms a call waits. @public */
export interface DeskTerms {
  /** Of a program or a command; empty for calls of a gateway's clients. */
  readonly run: string;
  /** Its place in the run, from 0; 0 outside runs. */
  readonly position: number;
  /** Unix milliseconds. Undefined: whenever its answer comes. */
  readonly deadlineAtMs: number | undefined;
  readonly webhookUrl: string | undefined;
  /** @defaultValue 'batch' */
  readonly onUnanswered?: UnansweredPolicy | undefined;
  /** What its run calls it. @defaultValue nothing */
  readonly label?: string | undefined;
  /** Whether it is answered at once where nothing is won by waiting, or it cannot wait. @defaultValue true */
  readonly mayAnswerLive?: boolean;
}

/** How soon it is worth asking for an answer, in seconds, unless the deadline comes sooner. Ours: no batch is back before. */
const RETRY_AFTER_SECONDS = 60;

/** Takes calls that are answered later, and keeps them until a worker sees to them. @public */
export class BatchDesk {
  readonly #options: BatchDeskOptions;

  constructor(options: BatchDeskOptions) {
    this.#options = options;
  }

  /** What a call is handed to the engine with, so that it is answered later. */
  deferralFor({ onUnanswered, label, mayAnswerLive = true, ...terms }: DeskTerms): Deferral {
    const more = { ...(onUnanswered && { onUnanswered }), ...(label !== undefined && { label }) };
    return { terms, mayAnswerLive, accept: (call) => this.#accept({ ...call, ...more }) };
  }

  async #accept(call: DeferredCall): Promise<AcceptedCall | undefined> {
    const { planner, clock, jobs } = this.#options;
    const plan = await planner.plan(call, clock.nowMs());
    if (plan === undefined || plan.way === 'live') return undefined;
    const job = acceptedJob(call, plan);
    await jobs.add([job]);
    return { confirm: () => this.#confirm(job, plan) };
  }

  async #confirm(job: Job, plan: BatchPlan): Promise<DeferredReply> {
    const { jobs, clock, onAdded } = this.#options;
    const { callId } = job.call;
    // What waits for its hour alone is no batch's.
    const state = plan.way === 'batch' ? 'waiting' : 'live';
    const [isBegun] = await jobs.update([{ callId, version: job.version, set: { state } }]);
    if (isBegun !== true) {
      throw new FarthingError('store-unavailable', 'the call took so long to accept that it was given up', {
        retryable: true,
      });
    }
    onAdded?.();
    return acceptedReply(job.call, clock.nowMs());
  }
}

/** A call that nobody knows of yet. */
function acceptedJob(call: DeferredCall, { liveAtMs, liveTier }: BatchPlan): Job {
  return {
    call,
    state: 'accepting',
    version: 1,
    attempts: BATCH_ATTEMPT,
    batchId: undefined,
    liveAtMs,
    liveTier,
    batches: 0,
    leaseUntilMs: 0,
    result: undefined,
    toldAtMs: undefined,
  };
}

function acceptedReply({ callId, deadlineAtMs }: DeferredCall, nowMs: number): DeferredReply {
  const poll = `/v1/farthing/calls/${callId}`;
  const leftSeconds = deadlineAtMs === undefined ? RETRY_AFTER_SECONDS : Math.ceil((deadlineAtMs - nowMs) / 1000);
  return {
    status: 202,
    headers: {
      'content-type': 'application/json',
      location: poll,
      'retry-after': String(Math.max(1, Math.min(RETRY_AFTER_SECONDS, leftSeconds))),
    },
    body: JSON.stringify({
      id: callId,
      object: 'farthing.deferred_call',
      status: 'queued',
      deadline_at: deadlineAtMs === undefined ? null : Math.floor(deadlineAtMs / 1000),
      poll,
    }),
  };
}
