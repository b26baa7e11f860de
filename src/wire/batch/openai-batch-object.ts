import type { BatchFault, BatchStatus } from '../../core/model/batch-reply.ts';
import { isObject, type JsonObject } from '../request-guards.ts';
import { batchCount } from './batch-count.ts';

/** The member of a batch's metadata that holds our id of it. @internal */
export const BATCH_METADATA_KEY = 'farthing_batch';

/** States in which nothing more comes (openai, resources/batches, `Batch.status`). A state that is none of those known is taken to run on. */
const ENDED: ReadonlySet<unknown> = new Set(['completed', 'failed', 'expired', 'cancelled']);

/** Faults that are told in one text, and characters of each: a file of 50,000 bad lines has as many. */
const TOLD_FAULTS = 3;
const TOLD_CHARS = 200;

/** The body that makes a batch of an uploaded file. 24 hours is the only window there is (openai, `BatchCreateParams`). @internal */
export function openaiBatchBody(batchId: string, inputFileId: string, endpoint: string): string {
  return JSON.stringify({
    input_file_id: inputFileId,
    endpoint,
    completion_window: '24h',
    metadata: { [BATCH_METADATA_KEY]: batchId },
  });
}

/** Our id of a batch in a list; undefined where it is not one of ours. @internal */
export function batchIdOf({ metadata }: JsonObject): string | undefined {
  const batchId = isObject(metadata) ? metadata[BATCH_METADATA_KEY] : undefined;
  return typeof batchId === 'string' ? batchId : undefined;
}

/** When a thing in a list was made, in Unix milliseconds; undefined where it does not say. @internal */
export function createdAtMsOf({ created_at: seconds }: JsonObject): number | undefined {
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** Reads a batch. @internal */
export function openaiBatchStatus(batch: JsonObject): BatchStatus {
  const { status } = batch;
  const counts = isObject(batch['request_counts']) ? batch['request_counts'] : {};
  const faults = faultsOf(batch['errors']);
  const isEnded = ENDED.has(status);
  return {
    state: isEnded ? 'ended' : status === 'cancelling' ? 'cancelling' : 'running',
    reason: isEnded ? String(status) : undefined,
    fault: faults.length === 0 ? undefined : toldFaults(faults),
    faults,
    done: batchCount(counts['completed']),
    failed: batchCount(counts['failed']),
    resultIds: [batch['output_file_id'], batch['error_file_id']].filter(
      (id): id is string => typeof id === 'string' && id !== '',
    ),
  };
}

function faultsOf(errors: unknown): readonly BatchFault[] {
  const data = isObject(errors) && Array.isArray(errors['data']) ? (errors['data'] as readonly unknown[]) : [];
  return data.filter(isObject).map(({ line, code, message }) => ({
    line: typeof line === 'number' && Number.isSafeInteger(line) ? line : undefined,
    code: typeof code === 'string' ? code : 'unknown',
    message: typeof message === 'string' ? message : '',
  }));
}

function toldFaults(faults: readonly BatchFault[]): string {
  const told = faults.slice(0, TOLD_FAULTS).map(({ line, code, message }) => {
    const place = line === undefined ? '' : `line ${line}: `;
    return `${place}${code}: ${message.slice(0, TOLD_CHARS)}`;
  });
  const more = faults.length - told.length;
  return `${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
