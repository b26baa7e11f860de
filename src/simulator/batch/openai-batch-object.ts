import type { Random } from '../../ports/clock.ts';
import type { JsonObject } from '../json-value.ts';
import type { BatchLineFault } from './openai-batch-lines.ts';
import type { BatchPhase, RowEnd, SimulatedBatch } from './simulated-batch.ts';

/** A batch with what OpenAI keeps beside it. @internal */
export interface OpenAiBatch {
  readonly id: string;
  readonly batch: SimulatedBatch;
  readonly inputFileId: string;
  readonly metadata: JsonObject | null;
  readonly faults: readonly BatchLineFault[];
  readonly model: string;
  readonly inputTokens: number;
  /** Lines of the rows that succeeded, and of all others. */
  readonly output: readonly Buffer[];
  readonly errors: readonly Buffer[];
  /** Whether the files of its results are made. */
  isFiled: boolean;
  outputFileId: string | undefined;
  errorFileId: string | undefined;
}

const STATUS: Readonly<Record<BatchPhase, string>> = {
  validating: 'validating',
  failed: 'failed',
  running: 'in_progress',
  finalizing: 'finalizing',
  cancelling: 'cancelling',
  completed: 'completed',
  expired: 'expired',
  cancelled: 'cancelled',
};

/** A batch as the provider shows it. @internal */
export function batchObject(made: OpenAiBatch): JsonObject {
  const { batch, faults } = made;
  const { tally, phase } = batch;
  const { schedule, path } = batch.brief;
  return {
    id: made.id,
    object: 'batch',
    endpoint: path,
    model: made.model === '' ? null : made.model,
    errors: phase === 'failed' ? { object: 'list', data: faults } : null,
    input_file_id: made.inputFileId,
    completion_window: '24h',
    status: STATUS[phase],
    output_file_id: made.outputFileId ?? null,
    error_file_id: made.errorFileId ?? null,
    created_at: seconds(schedule.createdAtMs),
    expires_at: seconds(schedule.expiresAtMs),
    ...times(batch),
    request_counts: {
      total: batch.requests,
      completed: tally.succeeded,
      failed: tally.errored + tally.expired + tally.cancelled,
    },
    usage: batch.isOver ? usageOf(batch) : null,
    metadata: made.metadata,
  };
}

function times(batch: SimulatedBatch): JsonObject {
  const { phase, cancelledAtMs, endsAtMs } = batch;
  const { schedule } = batch.brief;
  const beganAtMs = phase === 'validating' || phase === 'failed' ? undefined : schedule.validatedAtMs;
  const isFinal = phase === 'finalizing' || phase === 'completed';
  const endedAs = (end: BatchPhase): number | null => (phase === end ? seconds(endsAtMs) : null);
  return {
    in_progress_at: secondsOrNull(beganAtMs),
    finalizing_at: secondsOrNull(isFinal ? schedule.rowsEndMs : undefined),
    completed_at: endedAs('completed'),
    failed_at: endedAs('failed'),
    expired_at: endedAs('expired'),
    cancelling_at: secondsOrNull(cancelledAtMs),
    cancelled_at: endedAs('cancelled'),
  };
}

function usageOf({ tally }: SimulatedBatch): JsonObject {
  return {
    input_tokens: tally.inputTokens,
    input_tokens_details: { cached_tokens: tally.cachedTokens },
    output_tokens: tally.outputTokens,
    output_tokens_details: { reasoning_tokens: tally.reasoningTokens },
    total_tokens: tally.inputTokens + tally.outputTokens,
  };
}

/** A row of the output or the error file. @internal */
export function resultLine(end: RowEnd, random: Random): string {
  const head = `{"id":"batch_req_${random.hex(24)}","custom_id":${JSON.stringify(end.customId)}`;
  if (end.kind === 'reply') {
    const requestId = random.hex(32);
    return `${head},"response":{"status_code":${end.status},"request_id":"${requestId}","body":${end.body}},"error":null}`;
  }
  const error =
    end.kind === 'expired'
      ? {
          code: 'batch_expired',
          message: 'This request could not be executed before the completion window expired.',
        }
      : { code: 'batch_cancelled', message: 'This request was not executed, since the batch was cancelled.' };
  return `${head},"response":null,"error":${JSON.stringify(error)}}`;
}

function seconds(atMs: number): number {
  return Math.floor(atMs / 1000);
}

function secondsOrNull(atMs: number | undefined): number | null {
  return atMs === undefined ? null : seconds(atMs);
}
