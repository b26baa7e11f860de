import type { DeferredCall, Job, JobResult } from '../core/model/deferred-call.ts';
import { queueOf } from '../core/model/deferred-call.ts';
import type { ProviderBatch } from '../core/model/provider-batch.ts';
import { nanoUsd } from '../core/money.ts';
import { sampleCallRecord } from './sample-ledger-rows.ts';

/** A deferred call for tests; every field can be set. @public */
export function sampleDeferredCall(fields: Partial<DeferredCall> = {}): DeferredCall {
  return {
    callId: 'call_1',
    run: '',
    position: 0,
    atMs: 1_000,
    endpoint: 'chat',
    project: 'search',
    keyId: 'key_1',
    tags: { user: 'alice' },
    query: '',
    headers: {},
    body: '{"model":"gpt-5.4-mini","messages":[{"role":"user","content":"Hello"}]}',
    sentBody: undefined,
    modelAsked: 'gpt-5.4-mini',
    target: 'openai/gpt-5.4-mini',
    baseline: 'openai/gpt-5.4-mini',
    route: undefined,
    removed: [],
    decisions: [],
    cacheKey: undefined,
    boundNanoUsd: nanoUsd(5_000),
    inputTokens: 10,
    deadlineAtMs: undefined,
    webhookUrl: undefined,
    ...fields,
  };
}

/** A waiting job for tests; every field can be set, and those of its call by `call`. @public */
export function sampleJob(call: Partial<DeferredCall> = {}, fields: Partial<Omit<Job, 'call'>> = {}): Job {
  return {
    call: sampleDeferredCall(call),
    state: 'waiting',
    version: 1,
    attempts: 1,
    batchId: undefined,
    liveAtMs: undefined,
    liveTier: 'default',
    batches: 0,
    leaseUntilMs: 0,
    result: undefined,
    toldAtMs: undefined,
    ...fields,
  };
}

/** What came of a job, for tests; every field can be set. @public */
export function sampleJobResult(fields: Partial<JobResult> = {}): JobResult {
  return {
    status: 200,
    body: '{"choices":[{"message":{"content":"Hi"}}]}',
    way: 'batch',
    outcome: 'complete',
    finishedAtMs: 9_000,
    record: sampleCallRecord(),
    ...fields,
  };
}

/** A batch for tests that was just formed of {@link sampleJob}; every field can be set. @public */
export function sampleBatch(fields: Partial<ProviderBatch> = {}): ProviderBatch {
  return {
    batchId: 'fb_0000000000000001',
    queue: queueOf(sampleDeferredCall()),
    run: '',
    stage: 'formed',
    formedAtMs: 2_000,
    requests: 0,
    sizeBytes: 0,
    inputTokens: 0,
    keyIndex: undefined,
    stagedId: undefined,
    submittingAtMs: undefined,
    providerId: undefined,
    submittedAtMs: undefined,
    endedAtMs: undefined,
    nextAtMs: 2_000,
    failures: 0,
    isCancelled: false,
    fault: undefined,
    ...fields,
  };
}
