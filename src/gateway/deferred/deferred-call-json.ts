import { CANCELLED } from '../../core/batch/cancelled-result.ts';
import type { Job, JobResult } from '../../core/model/deferred-call.ts';
import { formatUsd } from '../../core/money.ts';

/** Where a deferred call is, in its caller's words. @internal */
export type DeferredStatus = 'queued' | 'in_batch' | 'running' | 'completed' | 'failed' | 'cancelled';

/** How soon it is worth asking again, in seconds. Ours: no batch is back within a minute; a live call may be. */
const BATCH_RETRY_SECONDS = 60;
const LIVE_RETRY_SECONDS = 5;

/** Where a deferred call is. @internal */
export function deferredStatus({ state, result, leaseUntilMs }: Job, nowMs: number): DeferredStatus {
  switch (state) {
    case 'accepting':
    case 'waiting':
      return 'queued';
    case 'batched':
      return 'in_batch';
    case 'live':
      return leaseUntilMs > nowMs ? 'running' : 'queued';
    case 'done':
      return endOf(result);
  }
}

function endOf(result: JobResult | undefined): DeferredStatus {
  if (result?.outcome === 'complete') return 'completed';
  return result?.outcome === CANCELLED ? 'cancelled' : 'failed';
}

/** How soon it is worth asking again for a call that is not answered, in seconds: not long after its deadline at the latest. @internal */
export function retrySeconds(job: Job, nowMs: number): number {
  const usual = deferredStatus(job, nowMs) === 'running' ? LIVE_RETRY_SECONDS : BATCH_RETRY_SECONDS;
  const nextMs = job.liveAtMs ?? job.call.deadlineAtMs;
  if (nextMs === undefined) return usual;
  // From its hour on it may be there any moment.
  return Math.max(LIVE_RETRY_SECONDS, Math.min(usual, Math.ceil((nextMs - nowMs) / 1000)));
}

/** A call that is not answered yet, as JSON value. @internal */
export function openCallJson(job: Job, nowMs: number): Readonly<Record<string, unknown>> {
  const { callId, atMs, deadlineAtMs, boundNanoUsd } = job.call;
  return {
    callId,
    status: deferredStatus(job, nowMs),
    acceptedAt: new Date(atMs).toISOString(),
    deadlineAt: deadlineAtMs === undefined ? null : new Date(deadlineAtMs).toISOString(),
    reservedUsd: formatUsd(boundNanoUsd),
  };
}

/**
 * A call that is answered, as JSON text: its record, with `status` in words, whether the deadline was met, and the answer. The answer's body stands there as the
 * provider wrote it: numbers in it may be larger than a parser here would keep.
 * @internal
 */
export function doneCallJson(job: Job, result: JobResult, nowMs: number): string {
  const { deadlineAtMs } = job.call;
  const { finishedAtMs, record, way } = result;
  const facts = {
    ...record,
    // A batch that it is in as well may add to its cost; not so to rows of a client's own batch, which are there as it was made.
    isEstimate: record.isEstimate || (job.batchId !== undefined && job.call.customId === undefined),
    status: deferredStatus(job, nowMs),
    finishedAt: new Date(finishedAtMs).toISOString(),
    deadline:
      deadlineAtMs === undefined
        ? null
        : { at: new Date(deadlineAtMs).toISOString(), met: finishedAtMs <= deadlineAtMs },
    way,
  };
  return `${JSON.stringify(facts).slice(0, -1)},"response":${responseJson(result)}}`;
}

/** Null where it is not kept here: a row of a batch that its client has made is in the batch's results. */
function responseJson({ status, body }: JobResult): string {
  if (body === '') return 'null';
  return `{"status":${status},"body":${isJson(body) ? body : JSON.stringify(body)}}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // A proxy's page in place of an answer: told as text.
  }
}

/** Headers of the bare answer. @internal */
export function answerHeaders({ call }: Job, { record }: JobResult): Readonly<Record<string, string>> {
  const { costNanoUsd, baselineNanoUsd, savedNanoUsd, target } = record;
  const usd = (amount: typeof costNanoUsd): string => (amount === undefined ? 'unknown' : formatUsd(amount));
  return {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    // It is the answer of a call that is over: asking for it again gives the same.
    'x-should-retry': 'false',
    'x-farthing-request-id': call.callId,
    ...(target === undefined ? {} : { 'x-farthing-model': carried(target) }),
    'x-farthing-cost-usd': usd(costNanoUsd),
    'x-farthing-baseline-usd': usd(baselineNanoUsd),
    'x-farthing-saved-usd': usd(savedNanoUsd),
  };
}

/** A model's name is the caller's text: what HTTP cannot carry is percent-encoded, and half a character cannot even be that. */
function carried(text: string): string {
  return text.replaceAll(/[\ud800-\udfff]/gu, '?').replaceAll(/[^\t\x20-\x7e]+/g, encodeURIComponent);
}
