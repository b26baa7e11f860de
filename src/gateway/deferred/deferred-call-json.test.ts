import { expect, test } from 'vitest';
import type { Job } from '../../core/model/deferred-call.ts';
import { nanoUsd } from '../../core/money.ts';
import { sampleJob, sampleJobResult } from '../../testing/sample-jobs.ts';
import { sampleCallRecord } from '../../testing/sample-ledger-rows.ts';
import { answerHeaders, deferredStatus, doneCallJson, openCallJson, retrySeconds } from './deferred-call-json.ts';

const NOW_MS = 1_000_000;

function doneJob(result: Partial<Parameters<typeof sampleJobResult>[0]> = {}): Job {
  return sampleJob({ deadlineAtMs: 10_000 }, { state: 'done', result: sampleJobResult(result) });
}

function textOf(job: Job): string {
  return job.result === undefined ? '' : doneCallJson(job, job.result, NOW_MS);
}

test.each([
  [sampleJob(), 'queued'],
  [sampleJob({}, { state: 'batched' }), 'in_batch'],
  [sampleJob({}, { state: 'live', leaseUntilMs: NOW_MS + 1 }), 'running'],
  // It waits for its hour, or for whoever follows one that died.
  [sampleJob({}, { state: 'live', leaseUntilMs: NOW_MS }), 'queued'],
  [doneJob(), 'completed'],
  [doneJob({ outcome: 'expired' }), 'failed'],
  [doneJob({ outcome: 'cancelled' }), 'cancelled'],
] as const)('a job %# is told as it is', (job, status) => {
  expect(deferredStatus(job, NOW_MS)).toBe(status);
});

test('an open call says what is held for it, and by when it is answered', () => {
  expect(openCallJson(sampleJob({ atMs: 0, deadlineAtMs: 60_000 }), NOW_MS)).toEqual({
    callId: 'call_1',
    status: 'queued',
    acceptedAt: '1970-01-01T00:00:00.000Z',
    deadlineAt: '1970-01-01T00:01:00.000Z',
    reservedUsd: '0.000005',
  });
  expect(openCallJson(sampleJob(), NOW_MS)['deadlineAt']).toBeNull();
});

test('it is worth asking again after a minute, and sooner when its hour comes', () => {
  const waiting = (liveAtMs: number | undefined): number => retrySeconds(sampleJob({}, { liveAtMs }), NOW_MS);
  expect([waiting(undefined), waiting(NOW_MS + 3_600_000), waiting(NOW_MS + 20_000), waiting(NOW_MS - 1)]).toEqual([
    60, 60, 20, 5,
  ]);
  expect(retrySeconds(sampleJob({}, { state: 'live', leaseUntilMs: NOW_MS + 1 }), NOW_MS)).toBe(5);
});

test('an answered call has its record, its way, whether it was in time, and its answer as it came', () => {
  const job = doneJob({ body: '{"n":12345678901234567890, "s":"\\u00e4"}', record: sampleCallRecord({ attempts: 3 }) });
  const text = textOf(job);
  expect(JSON.parse(text)).toMatchObject({
    attempts: 3,
    status: 'completed',
    way: 'batch',
    finishedAt: '1970-01-01T00:00:09.000Z',
    deadline: { at: '1970-01-01T00:00:10.000Z', met: true },
    response: { status: 200 },
  });
  expect(text).toContain('"body":{"n":12345678901234567890, "s":"\\u00e4"}');
  expect(JSON.parse(textOf(doneJob({ finishedAtMs: 10_001 })))).toMatchObject({ deadline: { met: false } });
});

test('what is no JSON is told as text, and what is not kept here as nothing', () => {
  expect(JSON.parse(textOf(doneJob({ body: '<html>"' })))).toMatchObject({ response: { body: '<html>"' } });
  expect(JSON.parse(textOf(doneJob({ body: '' })))).toMatchObject({ response: null });
});

test('the bare answer says what it cost, in headers that HTTP can carry', () => {
  const record = sampleCallRecord({
    costNanoUsd: nanoUsd(1_500_000),
    savedNanoUsd: undefined,
    target: 'a/\u00e4\ud800\r\n',
  });
  const job = doneJob({ record });
  const headers = answerHeaders(job, job.result ?? sampleJobResult());
  expect(headers).toMatchObject({
    'x-farthing-request-id': 'call_1',
    'x-farthing-cost-usd': '0.0015',
    'x-farthing-saved-usd': 'unknown',
    'x-farthing-model': 'a/%C3%A4?%0D%0A',
    'x-should-retry': 'false',
  });
});

test('what an answered call cost is an estimate as long as a batch may add to it', () => {
  const result = sampleJobResult({ record: sampleCallRecord({ isEstimate: false }) });
  const isEstimate = (batchId: string | undefined): unknown =>
    (JSON.parse(textOf(sampleJob({}, { state: 'done', result, batchId }))) as { isEstimate: unknown }).isEstimate;
  expect([isEstimate('fb_1'), isEstimate(undefined)]).toEqual([true, false]);
});
