import { type OtherCost, withOtherCost } from '../../core/batch/both-charged.ts';
import { FarthingError } from '../../core/errors.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { Job, JobResult } from '../../core/model/deferred-call.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { errorBody } from '../../wire/error-body.ts';
import type { BatchParts } from './batch-parts.ts';

/** Why a job has no answer. @internal */
export interface JobFault {
  /** A code: `expired`, `cancelled` ... */
  readonly outcome: string;
  readonly error: FarthingError;
}

/** The fault of a job that a batch left unanswered. @internal */
export function unansweredFault(outcome: string): JobFault {
  if (outcome === 'cancelled') {
    return { outcome, error: new FarthingError('client-left', 'the call was cancelled before it was answered') };
  }
  const status = outcome === 'expired' ? 504 : 502;
  const error = new FarthingError('provider-failed', `the provider's batch came back without an answer: ${outcome}`, {
    status,
    retryable: true,
  });
  return { outcome, error };
}

/** The result of a job that has no answer, with the error in the protocol's shape. @internal */
export function faultResult({ call }: Job, fault: JobFault, record: CallRecord, finishedAtMs: number): JobResult {
  const { error, outcome } = fault;
  const body = errorBody(ENDPOINTS[call.endpoint].protocol, error, call.callId);
  return {
    status: error.status,
    body,
    way: 'none',
    outcome,
    finishedAtMs,
    record: { ...record, status: error.status, outcome },
  };
}

/** What a record's call cost, as far as another one is concerned. @internal */
export function costOf({ costNanoUsd, isEstimate }: CallRecord): OtherCost {
  return { amountNanoUsd: costNanoUsd, isEstimate };
}

/**
 * A result with the cost of another one that the job had: an answer of its batch that came while it was asked live, or a live call that came to nothing.
 * The answer is the one that is one; of two the one at hand.
 * @internal
 */
export function joined(result: JobResult, kept: JobResult | undefined): JobResult {
  if (kept === undefined) return result;
  const isChosen = result.outcome === 'complete' || kept.way !== 'batch';
  const [chosen, other] = isChosen ? [result, kept] : [kept, result];
  return { ...chosen, record: withOtherCost(chosen.record, costOf(other.record)) };
}

/** Hands the final record of a call on, once in this process; the ledger keeps one of each call. @internal */
export function publishOnce({ published, engine }: BatchParts, record: CallRecord): void {
  if (published.get(record.callId) === true) return;
  published.set(record.callId, true);
  engine().publish(record);
}

/** Tells of a job that has just been done: whoever waits, and whether it was in time. @internal */
export function tellDone({ planner, events, onDone, clock }: BatchParts, job: Job): void {
  const { deadlineAtMs, callId, target } = job.call;
  if (job.liveAtMs !== undefined) planner.release(job.liveAtMs);
  const lateMs = deadlineAtMs === undefined ? 0 : clock.nowMs() - deadlineAtMs;
  if (lateMs > 0) events.emit({ kind: 'deadline-missed', callId, target, lateMs });
  onDone(job);
}
