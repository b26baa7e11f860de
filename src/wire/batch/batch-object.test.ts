import { describe, expect, test } from 'vitest';
import { anthropicBatchFacts, anthropicBatchStatus } from './anthropic-batch-object.ts';
import { listedPage } from './list-page.ts';
import { batchIdOf, createdAtMsOf, openaiBatchBody, openaiBatchStatus } from './openai-batch-object.ts';

/** From OpenAI's API reference, "The batch object", shortened; looked at in November 2026. */
const openaiBatch = {
  id: 'batch_abc123',
  object: 'batch',
  endpoint: '/v1/completions',
  errors: null,
  input_file_id: 'file-abc123',
  completion_window: '24h',
  status: 'completed',
  output_file_id: 'file-cvaTdG',
  error_file_id: 'file-HOWS94',
  created_at: 1_711_471_533,
  request_counts: { total: 100, completed: 95, failed: 5 },
  metadata: { customer_id: 'user_123456789', farthing_batch: 'fb_0123456789abcdef' },
} as const;

/** From Anthropic's API reference, "Retrieve a Message Batch". */
const anthropicBatch = {
  id: 'msgbatch_013Zva2CMHLNnXjNJJKqJ2EF',
  type: 'message_batch',
  processing_status: 'in_progress',
  request_counts: { processing: 100, succeeded: 50, errored: 30, canceled: 10, expired: 10 },
  ended_at: null,
  created_at: '2024-08-20T18:37:24.100435Z',
  expires_at: '2024-08-21T18:37:24.100435Z',
  archived_at: null,
  cancel_initiated_at: null,
  results_url: null,
} as const;

describe("OpenAI's batch", () => {
  test.each([
    ['validating', 'running', undefined],
    ['in_progress', 'running', undefined],
    ['finalizing', 'running', undefined],
    ['cancelling', 'cancelling', undefined],
    ['completed', 'ended', 'completed'],
    ['failed', 'ended', 'failed'],
    ['expired', 'ended', 'expired'],
    ['cancelled', 'ended', 'cancelled'],
    ['a_state_to_come', 'running', undefined],
  ])('%s is %s', (status, state, reason) => {
    expect(openaiBatchStatus({ ...openaiBatch, status })).toMatchObject({ state, reason });
  });

  test('tells its counts and the files with its results, output first', () => {
    expect(openaiBatchStatus(openaiBatch)).toEqual({
      state: 'ended',
      reason: 'completed',
      fault: undefined,
      faults: [],
      done: 95,
      failed: 5,
      resultIds: ['file-cvaTdG', 'file-HOWS94'],
    });
  });

  test('tells what is wrong with which line, and the first of it in one text', () => {
    const data = [
      { code: 'invalid_json_line', line: 1, message: 'This line is not parseable as valid JSON.', param: null },
      { code: 'duplicate_custom_id', line: 2, message: 'Twice.' },
      { code: 'token_limit_exceeded', line: null, message: 'Enqueued token limit reached.' },
      { code: 'mismatched_model', line: 9, message: 'x'.repeat(1000) },
      'no object',
    ];
    const { fault, faults } = openaiBatchStatus({ ...openaiBatch, status: 'failed', errors: { object: 'list', data } });
    expect(faults).toHaveLength(4);
    expect(faults?.[2]).toEqual({
      line: undefined,
      code: 'token_limit_exceeded',
      message: 'Enqueued token limit reached.',
    });
    expect(fault).toBe(
      'line 1: invalid_json_line: This line is not parseable as valid JSON.; line 2: duplicate_custom_id: Twice.; token_limit_exceeded: Enqueued token limit reached.; and 1 more',
    );
  });

  test('bears our id, which is what it was submitted with', () => {
    expect(batchIdOf(openaiBatch)).toBe('fb_0123456789abcdef');
    expect(batchIdOf({ metadata: null })).toBeUndefined();
    expect(createdAtMsOf(openaiBatch)).toBe(1_711_471_533_000);
    const body = JSON.parse(openaiBatchBody('fb_1', 'file-1', '/v1/embeddings'));
    expect(batchIdOf(body)).toBe('fb_1');
    expect(body).toMatchObject({ input_file_id: 'file-1', endpoint: '/v1/embeddings', completion_window: '24h' });
  });
});

describe("Anthropic's batch", () => {
  test('runs, is being cancelled, has ended for a reason', () => {
    const ended = { ...anthropicBatch, processing_status: 'ended', request_counts: { succeeded: 3, errored: 2 } };
    expect(anthropicBatchStatus(anthropicBatch)).toMatchObject({ state: 'running', reason: undefined });
    expect(anthropicBatchStatus({ ...anthropicBatch, processing_status: 'canceling' }).state).toBe('cancelling');
    expect(anthropicBatchStatus(ended)).toMatchObject({ state: 'ended', reason: 'completed', done: 3, failed: 2 });
    expect(anthropicBatchStatus({ ...ended, request_counts: { expired: 1 } }).reason).toBe('expired');
    expect(anthropicBatchStatus({ ...ended, cancel_initiated_at: '2024-08-20T18:37:24Z' }).reason).toBe('cancelled');
  });

  test('tells how many requests are in it, in whatever state, and when it was made', () => {
    expect(anthropicBatchFacts(anthropicBatch)).toEqual({
      createdAtMs: Date.UTC(2024, 7, 20, 18, 37, 24, 100),
      requests: 200,
      hasResults: false,
      isEnded: false,
    });
    expect(anthropicBatchFacts({}).createdAtMs).toBeUndefined();
  });
});

test('a page names the next one only where there is more', () => {
  expect(listedPage({ data: [{ id: 'a' }, 7], has_more: true, last_id: 'z' })).toEqual({
    things: [{ id: 'a' }],
    lastId: 'z',
  });
  expect(listedPage({ data: [{ id: 'a' }], has_more: true })?.lastId).toBe('a');
  expect(listedPage({ data: [{ id: 'a' }], has_more: false, last_id: 'a' })?.lastId).toBeUndefined();
  expect(listedPage({ error: 'x' })).toBeUndefined();
});
