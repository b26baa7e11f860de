import { FarthingError } from '../../core/errors.ts';
import type { DeferredCall, Job, JobResult, JobState } from '../../core/model/deferred-call.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import { ABSENT_CALL_FIELDS } from './call-record-fields.ts';

/** A deferred call as text: what is large has a column of its own, the rest is JSON. @internal */
export interface CallText {
  readonly call: string;
  readonly body: string;
  readonly sent_body: string | null;
}

/** What came of a call, as text. @internal */
export interface ResultText {
  readonly result: string;
  readonly result_body: string;
}

/** A job in a row: what is counted, compared or changed has a column. @internal */
export interface JobRow extends CallText {
  readonly state: string;
  readonly version: number;
  readonly attempts: number;
  readonly batch_id: string | null;
  readonly live_at_ms: number | null;
  readonly live_tier: string;
  readonly batches: number;
  readonly lease_until_ms: number;
  readonly told_at_ms: number | null;
  readonly result: string | null;
  readonly result_body: string | null;
}

/** A batch in a row: its facts as JSON, and over them what is counted or changed by itself. @internal */
export interface BatchRow {
  readonly facts: string;
  readonly requests: number;
  readonly size_bytes: number;
  readonly input_tokens: number;
  readonly next_at_ms: number;
  readonly is_cancelled: number | boolean;
}

/** The fields of a call that JSON leaves out when they are undefined, but for the bodies. */
const ABSENT_FIELDS = {
  route: undefined,
  cacheKey: undefined,
  deadlineAtMs: undefined,
  webhookUrl: undefined,
} satisfies Partial<DeferredCall>;

const ABSENT_BATCH_FIELDS = {
  keyIndex: undefined,
  stagedId: undefined,
  submittingAtMs: undefined,
  providerId: undefined,
  submittedAtMs: undefined,
  endedAtMs: undefined,
  fault: undefined,
} satisfies Partial<ProviderBatch>;

/** Columns of times and counts hold whole numbers; a wait with jitter ends at a fraction. @internal */
export function wholeNumber(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(value));
}

/** As {@link wholeNumber}, for what may be absent. @internal */
export function wholeOrNull(value: number | undefined): number | null {
  return value === undefined ? null : wholeNumber(value);
}

/** Columns of text hold no NUL. JSON has none either: it writes it so. */
function jsonBody(body: string): string {
  return body.includes('\u0000') ? body.replaceAll('\u0000', String.raw`\u0000`) : body;
}

/** @internal */
export function callText({ body, sentBody, ...facts }: DeferredCall): CallText {
  return {
    call: JSON.stringify(facts),
    body: jsonBody(body),
    sent_body: sentBody === undefined ? null : jsonBody(sentBody),
  };
}

/** @internal */
export function resultText({ body, ...facts }: JobResult): ResultText {
  return { result: JSON.stringify(facts), result_body: jsonBody(body) };
}

/** Bytes of the body as it is sent. @internal */
export function sentBytes({ body, sentBody }: DeferredCall): number {
  return Buffer.byteLength(sentBody ?? body);
}

/** A job from its row. @throws FarthingError `store-unavailable` when a text in it is not what was written. @internal */
export function jobFrom(row: JobRow): Job {
  const facts = parsed(row.call) as DeferredCall;
  return {
    call: { ...ABSENT_FIELDS, ...facts, body: row.body, sentBody: row.sent_body ?? undefined },
    state: row.state as JobState,
    version: row.version,
    attempts: row.attempts,
    batchId: row.batch_id ?? undefined,
    liveAtMs: row.live_at_ms ?? undefined,
    liveTier: row.live_tier as Job['liveTier'],
    batches: row.batches,
    leaseUntilMs: row.lease_until_ms,
    result: row.result === null ? undefined : resultFrom(row.result, row.result_body ?? ''),
    toldAtMs: row.told_at_ms ?? undefined,
  };
}

/** A batch from its row. @throws FarthingError `store-unavailable` when its text is not what was written. @internal */
export function batchFrom(row: BatchRow): ProviderBatch {
  return {
    ...ABSENT_BATCH_FIELDS,
    ...(parsed(row.facts) as ProviderBatch),
    requests: row.requests,
    sizeBytes: row.size_bytes,
    inputTokens: row.input_tokens,
    nextAtMs: row.next_at_ms,
    isCancelled: Boolean(row.is_cancelled),
  };
}

function resultFrom(text: string, body: string): JobResult {
  const result = parsed(text) as JobResult;
  return { ...result, body, record: { ...ABSENT_CALL_FIELDS, ...result.record } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FarthingError('store-unavailable', 'the store of deferred calls holds text that is no JSON', {
      cause: error,
    });
  }
}
