import type { BatchStatus } from '../../core/model/batch-reply.ts';
import { isObject, type JsonObject } from '../request-guards.ts';
import { batchCount } from './batch-count.ts';

/** What a list of batches tells of one, by which it is told apart from others. @internal */
export interface AnthropicBatchFacts {
  readonly createdAtMs: number | undefined;
  /** Requests in it: its counts always add up to them (@anthropic-ai/sdk, `MessageBatch.request_counts`). */
  readonly requests: number;
  /** Whether its results can be read. */
  readonly hasResults: boolean;
  readonly isEnded: boolean;
}

/** Reads what tells a batch apart. @internal */
export function anthropicBatchFacts(batch: JsonObject): AnthropicBatchFacts {
  const counts = countsOf(batch);
  const createdAtMs = typeof batch['created_at'] === 'string' ? Date.parse(batch['created_at']) : Number.NaN;
  return {
    createdAtMs: Number.isNaN(createdAtMs) ? undefined : createdAtMs,
    requests: counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired,
    hasResults: typeof batch['results_url'] === 'string',
    isEnded: batch['processing_status'] === 'ended',
  };
}

/** Reads a batch. Its counts are zero until it has ended. @internal */
export function anthropicBatchStatus(batch: JsonObject): BatchStatus {
  const counts = countsOf(batch);
  const status = batch['processing_status'];
  const isEnded = status === 'ended';
  return {
    state: isEnded ? 'ended' : status === 'canceling' ? 'cancelling' : 'running',
    reason: isEnded ? endReason(batch, counts.expired) : undefined,
    fault: undefined,
    done: counts.succeeded,
    failed: counts.errored,
    resultIds: [],
  };
}

function endReason(batch: JsonObject, expired: number): string {
  if (typeof batch['cancel_initiated_at'] === 'string') return 'cancelled';
  return expired > 0 ? 'expired' : 'completed';
}

interface Counts {
  readonly processing: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
}

function countsOf(batch: JsonObject): Counts {
  const counts = isObject(batch['request_counts']) ? batch['request_counts'] : {};
  return {
    processing: batchCount(counts['processing']),
    succeeded: batchCount(counts['succeeded']),
    errored: batchCount(counts['errored']),
    canceled: batchCount(counts['canceled']),
    expired: batchCount(counts['expired']),
  };
}
