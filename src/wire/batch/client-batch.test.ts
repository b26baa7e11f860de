import { expect, test } from 'vitest';
import { sampleBatch } from '../../testing/sample-jobs.ts';
import { elementRanges } from '../replay-json-range.ts';
import { cachedRowLine } from './cached-row-line.ts';
import { batchIdOfClient, batchIdOfFile, clientBatchId, isOwnBatchId, resultFileId } from './client-batch-ids.ts';
import { type BatchOfClient, clientBatchObject } from './client-batch-object.ts';
import { anthropicBatchRow, openaiBatchRow } from './client-batch-row.ts';
import { anthropicBatchResult } from './anthropic-batch-result.ts';
import { openaiBatchResult } from './openai-batch-result.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const PATH = '/v1/chat/completions';

test('a row’s body is what the client wrote, to the byte', () => {
  const body = '{ "model":"m", "temperature":1.0, "seed":12345678901234567890 }';
  const line = bytes(`{"custom_id":"a","method":"POST","url":"${PATH}","body": ${body} }`);
  const row = openaiBatchRow(line, PATH);
  expect(row).toMatchObject({ kind: 'row', customId: 'a' });
  expect(row.kind === 'row' && new TextDecoder().decode(row.body)).toBe(body);
  const element = anthropicBatchRow(bytes(`{"params":${body},"custom_id":"a-1"}`));
  expect(element.kind === 'row' && new TextDecoder().decode(element.body)).toBe(body);
});

test.each([
  ['{', undefined],
  ['[]', undefined],
  ['{"custom_id":"a","custom_id":"b"}', undefined],
  ['\uFEFF{"custom_id":"a"}', undefined],
  ['{}', 'custom_id'],
  ['{"custom_id":""}', 'custom_id'],
  ['{"custom_id":"a","method":"GET"}', 'method'],
  ['{"custom_id":"a","method":"POST","url":"/v1/responses","body":{}}', 'url'],
  [`{"custom_id":"a","method":"POST","url":"${PATH}","body":"x"}`, 'body'],
  [`{"custom_id":"a","method":"POST","url":"${PATH}","body":{"stream":true}}`, 'body.stream'],
])('the line %s is refused', (line, param) => {
  expect(openaiBatchRow(bytes(line), PATH)).toMatchObject({ kind: 'fault', param });
});

test.each([
  ['1', undefined],
  ['{"custom_id":"with space","params":{}}', 'custom_id'],
  [`{"custom_id":"${'x'.repeat(65)}","params":{}}`, 'custom_id'],
  ['{"custom_id":"a"}', 'params'],
  ['{"custom_id":"a","params":{"stream":true}}', 'params.stream'],
])('the request %s is refused', (element, param) => {
  expect(anthropicBatchRow(bytes(element))).toMatchObject({ kind: 'fault', param });
});

test('the elements of a list are found wherever brackets and commas stand in them', () => {
  const text = ' [ {"a":"],["} ,[1, [2]], "x,\\"" ,3 ]';
  const found = [...elementRanges(bytes(text), 0)].map(([from, to]) => text.slice(from, to));
  expect(found).toEqual(['{"a":"],["}', '[1, [2]]', '"x,\\""', '3']);
  expect([...elementRanges(bytes('{}'), 0)]).toEqual([]);
  expect([...elementRanges(bytes('[]'), 0)]).toEqual([]);
});

test('ids of batches and of their results lead back to ours, and no other id does', () => {
  const batchId = 'fb_0123456789abcdef';
  expect(batchIdOfClient(clientBatchId(batchId, 'openai'))).toBe(batchId);
  expect(batchIdOfClient(clientBatchId(batchId, 'anthropic'))).toBe(batchId);
  expect(batchIdOfFile(resultFileId(batchId))).toBe(batchId);
  expect(['batch_0123456789abcdef', 'file-farthing_', 'batch_farthing_xyz'].some(isOwnBatchId)).toBe(false);
});

test('a line that the cache has answered reads as the provider’s do', () => {
  const row = { callId: 'call_1', customId: 'a "b"', body: '{\n "n": 1.0\n}' };
  const line = cachedRowLine('openai', row);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  const told = { customId: 'a "b"', kind: 'reply', status: 200, body: '{  "n": 1.0 }' };
  expect(openaiBatchResult(bytes(line))).toEqual(told);
  expect(anthropicBatchResult(bytes(cachedRowLine('anthropic', row)))).toEqual(told);
});

const client = {
  project: 'p',
  protocol: 'openai',
  provider: 'openai',
  endpoint: PATH,
  inputFileId: 'file-mine',
  metadata: undefined,
  cachedRows: 2,
} as const;
const batch: BatchOfClient = { ...sampleBatch({ stage: 'submitted', requests: 3 }), client };

test('a batch is shown with the client’s file and metadata, and with the rows that were not sent', () => {
  const shown = {
    id: 'batch_theirs',
    input_file_id: 'file-rewritten',
    metadata: { farthing_batch: batch.batchId },
    status: 'in_progress',
    request_counts: { total: 3, completed: 1, failed: 1 },
    output_file_id: null,
  };
  expect(clientBatchObject(batch, shown)).toMatchObject({
    id: clientBatchId(batch.batchId, 'openai'),
    input_file_id: 'file-mine',
    metadata: null,
    request_counts: { total: 5, completed: 3, failed: 1 },
    output_file_id: null,
  });
  const done = { ...shown, status: 'completed', output_file_id: 'file-theirs' };
  expect(clientBatchObject(batch, done)).toMatchObject({ output_file_id: resultFileId(batch.batchId) });
  const sentWhole = { ...batch, client: { ...client, cachedRows: 0 } };
  expect(clientBatchObject(sentWhole, done)).toMatchObject({ output_file_id: 'file-theirs' });
});

test('a batch that nobody has yet, that never arrived, or that needed nobody, says so', () => {
  const unsent = { ...batch, stage: 'submitting' } as const;
  expect(clientBatchObject(unsent, undefined)).toMatchObject({ status: 'validating' });
  const lost = { ...batch, stage: 'abandoned' } as const;
  expect(clientBatchObject(lost, undefined)).toMatchObject({ status: 'failed', output_file_id: null });
  const cached = { ...lost, requests: 0 };
  expect(clientBatchObject(cached, undefined)).toMatchObject({
    status: 'completed',
    output_file_id: resultFileId(batch.batchId),
    request_counts: { total: 2, completed: 2 },
  });
  const anthropic = { ...client, protocol: 'anthropic' } as const;
  expect(clientBatchObject({ ...cached, client: anthropic }, undefined)).toMatchObject({
    processing_status: 'ended',
    request_counts: { succeeded: 2, processing: 0 },
  });
  expect(clientBatchObject({ ...unsent, client: anthropic }, undefined)).toMatchObject({
    processing_status: 'in_progress',
    request_counts: { processing: 5 },
    results_url: null,
  });
});
