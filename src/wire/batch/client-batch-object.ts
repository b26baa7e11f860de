import type { ProviderBatch, ClientBatch } from '../../core/model/provider-batch.ts';
import { isObject, type JsonObject } from '../request-guards.ts';
import { batchCount } from './batch-count.ts';
import { clientBatchId, resultFileId } from './client-batch-ids.ts';

/** A batch that a client has made. @internal */
export type BatchOfClient = ProviderBatch & { readonly client: ClientBatch };

/** What a client may still read of an OpenAI batch in these states, and of none before them. */
const OVER: ReadonlySet<unknown> = new Set(['completed', 'expired', 'cancelled']);

/** For how long both providers let a batch run, in seconds. */
const WINDOW_SECONDS = 86_400;

/**
 * A batch as its client sees it: under the id and with the file that it knows, and with the rows that the provider never saw.
 * @param shown - What the provider says of it; undefined: it has nothing of it.
 * @internal
 */
export function clientBatchObject(batch: BatchOfClient, shown: JsonObject | undefined): JsonObject {
  return batch.client.protocol === 'anthropic' ? anthropicObject(batch, shown) : openaiObject(batch, shown);
}

/** Whether the results from the cache are there to be read. @internal */
export function hasResults(object: JsonObject): boolean {
  return object['processing_status'] === 'ended' || OVER.has(object['status']);
}

function openaiObject(batch: BatchOfClient, shown: JsonObject | undefined): JsonObject {
  const { batchId, client } = batch;
  const { inputFileId, cachedRows } = client;
  const object = shown ?? unsentOpenai(batch);
  const counts = isObject(object['request_counts']) ? object['request_counts'] : {};
  const isJoined = cachedRows > 0 && hasResults(object);
  return {
    ...object,
    id: clientBatchId(batchId, 'openai'),
    input_file_id: inputFileId,
    metadata: client.metadata ?? null,
    // The provider counts nothing until it has looked through the file.
    request_counts: {
      ...counts,
      total: batchCount(counts['total']) + cachedRows,
      completed: batchCount(counts['completed']) + cachedRows,
      failed: batchCount(counts['failed']),
    },
    ...(isJoined && { output_file_id: resultFileId(batchId) }),
  };
}

/** What there is to say of a batch that is not, or not yet, at the provider. */
function unsentOpenai(batch: BatchOfClient): JsonObject {
  const { formedAtMs, client, fault } = batch;
  const created = Math.floor(formedAtMs / 1000);
  const status = unsentState(batch);
  const errors = {
    object: 'list',
    data: [{ code: 'submission_lost', message: fault ?? LOST, param: null, line: null }],
  };
  return {
    object: 'batch',
    endpoint: client.endpoint,
    errors: status === 'failed' ? errors : null,
    completion_window: '24h',
    status,
    output_file_id: null,
    error_file_id: null,
    created_at: created,
    in_progress_at: status === 'completed' ? created : null,
    expires_at: created + WINDOW_SECONDS,
    finalizing_at: status === 'completed' ? created : null,
    completed_at: status === 'completed' ? created : null,
    failed_at: status === 'failed' ? created : null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
  };
}

const LOST = 'the provider never got the batch';

function unsentState({ stage, requests }: BatchOfClient): 'completed' | 'failed' | 'validating' {
  if (stage !== 'abandoned') return 'validating';
  return requests === 0 ? 'completed' : 'failed';
}

function anthropicObject(batch: BatchOfClient, shown: JsonObject | undefined): JsonObject {
  const { batchId, client } = batch;
  const { cachedRows } = client;
  const object = shown ?? unsentAnthropic(batch);
  const counts = isObject(object['request_counts']) ? object['request_counts'] : {};
  const isEnded = hasResults(object);
  const id = clientBatchId(batchId, 'anthropic');
  const member = isEnded ? 'succeeded' : 'processing';
  return {
    ...object,
    id,
    // Without an origin: clients put theirs in front, and their key goes nowhere else.
    results_url: isEnded ? `/v1/messages/batches/${id}/results` : null,
    request_counts: { ...counts, [member]: batchCount(counts[member]) + cachedRows },
  };
}

function unsentAnthropic(batch: BatchOfClient): JsonObject {
  const { formedAtMs, requests } = batch;
  const created = new Date(formedAtMs).toISOString();
  const state = unsentState(batch);
  const isEnded = state !== 'validating';
  return {
    type: 'message_batch',
    processing_status: isEnded ? 'ended' : 'in_progress',
    request_counts: {
      processing: isEnded ? 0 : requests,
      succeeded: 0,
      errored: state === 'failed' ? requests : 0,
      canceled: 0,
      expired: 0,
    },
    created_at: created,
    expires_at: new Date(formedAtMs + WINDOW_SECONDS * 1000).toISOString(),
    ended_at: isEnded ? created : null,
    cancel_initiated_at: null,
    archived_at: null,
    results_url: null,
  };
}
