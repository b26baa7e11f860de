import type { DeferredCall, JobResult } from '../model/deferred-call.ts';
import type { CallRecord } from '../model/charge.ts';
import { NO_USAGE } from '../model/usage.ts';
import { ZERO_USD } from '../money.ts';

/** Outcome of a deferred call that its caller took back. @public */
export const CANCELLED = 'cancelled';

/** HTTP status that stands for the answer of a call that was taken back: it is gone, and asking again changes nothing. */
const GONE = 410;

/**
 * What comes of a call that its caller took back.
 * @param body - the error that stands for its answer, in the protocol's shape.
 * @param record - its record; undefined while the batch that it is in may still answer, and be charged for, it.
 * @public
 */
export function cancelledResult(
  call: DeferredCall,
  end: { readonly nowMs: number; readonly body: string; readonly record: CallRecord | undefined },
): JobResult {
  const record = { ...(end.record ?? unsettledRecord(call, end.nowMs)), status: GONE, outcome: CANCELLED };
  return { status: GONE, body: end.body, way: 'none', outcome: CANCELLED, finishedAtMs: end.nowMs, record };
}

/** The record of a call without an answer, of which nobody knows yet what it cost. */
function unsettledRecord(call: DeferredCall, nowMs: number): CallRecord {
  const { callId, atMs, project, keyId, tags, endpoint, modelAsked, decisions, route, cacheKey } = call;
  return {
    callId,
    atMs,
    project,
    keyId,
    tags,
    endpoint,
    modelAsked,
    target: undefined,
    servedModel: undefined,
    isStream: false,
    status: GONE,
    outcome: CANCELLED,
    cacheStatus: cacheKey === undefined ? 'bypass' : 'miss',
    usage: NO_USAGE,
    costNanoUsd: ZERO_USD,
    baselineNanoUsd: ZERO_USD,
    savedNanoUsd: ZERO_USD,
    savedParts: undefined,
    isEstimate: true,
    missedByMode: undefined,
    attempts: 1,
    durationMs: Math.max(0, nowMs - atMs),
    firstByteMs: undefined,
    decisions,
    route,
  };
}
