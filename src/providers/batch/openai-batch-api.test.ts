import { describe, expect, test } from 'vitest';
import {
  batchEndpoint,
  ENDPOINT_KEY,
  type EndpointAnswer,
  type EndpointRequest,
  shipmentOf,
} from '../../../test/support/batch-endpoint.ts';
import type { BatchRow, BatchStatus } from '../../core/model/batch-reply.ts';
import type { BatchAddress, BatchApi } from '../../ports/batch-api.ts';
import { batchApiOf } from './batch-api-of.ts';

const BATCH_ID = 'fb_0123456789abcdef';
const lines = [
  { customId: `${BATCH_ID}-1`, body: '{"model":"m",\n"messages":[{"role":"user","content":"hé"}]}' },
  { customId: `${BATCH_ID}-2`, body: '{"model":"m","messages":[]}' },
];
const shipment = shipmentOf(lines, { headers: { 'openai-beta': 'b=v1' } });
const batch: BatchAddress = { providerId: 'batch_1', batchId: BATCH_ID, headers: {}, keyIndex: undefined };

async function api(
  answer: (request: EndpointRequest) => EndpointAnswer,
): Promise<{ readonly api: BatchApi; readonly requests: readonly EndpointRequest[] }> {
  const { provider, requests } = await batchEndpoint('openai', answer);
  return { api: batchApiOf(provider), requests };
}

function endedWith(...resultIds: readonly string[]): BatchStatus {
  return { state: 'ended', reason: 'completed', fault: undefined, done: 1, failed: 0, resultIds };
}

async function all(rows: AsyncIterable<BatchRow>): Promise<readonly BatchRow[]> {
  const found: BatchRow[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

/** The parts of a form by name, read by a parser that is not ours. */
async function formOf({ headers, body }: EndpointRequest): Promise<FormData> {
  return new Response(body, { headers: { 'content-type': String(headers['content-type']) } }).formData();
}

describe('staging', () => {
  test('puts a file of one line a request, with its name, its purpose and the betas', async () => {
    const { api: sender, requests } = await api(() => ({ body: { id: 'file-1', object: 'file' } }));
    expect(await sender.stage(shipment, false)).toBe('file-1');
    expect(requests.map(({ line }) => line)).toEqual(['POST /v1/files']);
    const [request] = requests as [EndpointRequest];
    expect(request.headers).toMatchObject({ authorization: `Bearer ${ENDPOINT_KEY}`, 'openai-beta': 'b=v1' });
    const form = await formOf(request);
    const file = form.get('file') as File;
    expect([form.get('purpose'), file.name, file.type]).toEqual(['batch', `${BATCH_ID}.jsonl`, 'application/jsonl']);
    const sent = (await file.text()).split('\n');
    expect(sent).toHaveLength(3);
    expect(sent[2]).toBe('');
    expect(JSON.parse(sent[0] ?? '')).toEqual({
      custom_id: `${BATCH_ID}-1`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: 'm', messages: [{ role: 'user', content: 'hé' }] },
    });
  });

  test('takes the file that an earlier try left, on whatever page of the list it stands, but no broken one', async () => {
    const ours = { filename: `${BATCH_ID}.jsonl`, purpose: 'batch' };
    const pages: Readonly<Record<string, object>> = {
      'GET /v1/files?purpose=batch&order=desc&limit=1000': {
        data: [
          { id: 'file-x', ...ours, filename: 'other.jsonl', bytes: 9, status: 'processed' },
          { id: 'file-empty', ...ours, bytes: 0, status: 'processed' },
          { id: 'file-bad', ...ours, bytes: 9, status: 'error' },
        ],
        has_more: true,
        last_id: 'file-bad',
      },
      'GET /v1/files?purpose=batch&order=desc&limit=1000&after=file-bad': {
        data: [{ id: 'file-good', ...ours, bytes: 9, status: 'processed' }],
        has_more: false,
      },
    };
    const { api: sender, requests } = await api(({ line }) => ({ body: pages[line] ?? {} }));
    expect(await sender.stage(shipment, true)).toBe('file-good');
    expect(requests.map(({ line }) => line)).toEqual(Object.keys(pages));
  });

  test('puts the file where no earlier try left it', async () => {
    const { api: sender } = await api(({ line }) => ({
      body: line.startsWith('GET') ? { data: [], has_more: false } : { id: 'file-2' },
    }));
    expect(await sender.stage(shipment, true)).toBe('file-2');
  });

  test('ends at lines that are not as many as was said, and nothing whole is sent', async () => {
    const { api: sender, requests } = await api(() => ({ body: { id: 'file-1' } }));
    await expect(sender.stage({ ...shipment, requests: 3 }, false)).rejects.toMatchObject({ code: 'internal' });
    await expect(sender.stage({ ...shipment, requests: 50_001 }, false)).rejects.toMatchObject({
      code: 'payload-too-large',
    });
    expect(requests).toEqual([]);
  });

  test('ends at the fault of its lines', async () => {
    const { api: sender } = await api(() => ({ body: { id: 'file-1' } }));
    const broken = shipmentOf(lines, {
      lines: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new TypeError('no lines')) }),
      }),
    });
    await expect(sender.stage(broken, false)).rejects.toMatchObject({ code: 'provider-broken' });
  });
});

describe('submitting', () => {
  test('names the file, the endpoint and our id', async () => {
    const { api: sender, requests } = await api(() => ({ body: { id: 'batch_1', object: 'batch' } }));
    expect(await sender.submit(shipment, 'file-1')).toBe('batch_1');
    expect(requests[0]?.line).toBe('POST /v1/batches');
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      input_file_id: 'file-1',
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { farthing_batch: BATCH_ID },
    });
  });

  test.each([
    ['a reset connection', 'lost', { code: 'provider-broken' }],
    ['a status that leaves it open', { status: 504, body: 'gateway timeout' }, { code: 'provider-broken' }],
    ['an answer that is no JSON', { body: '<html>' }, { code: 'provider-broken' }],
    ['an answer without an id', { body: {} }, { code: 'provider-broken' }],
    [
      'a refusal for now',
      { status: 429, headers: { 'retry-after': '7' }, body: { error: { message: 'Slow down.' } } },
      { code: 'provider-failed', status: 429, retryable: true, retryAfterMs: 7000 },
    ],
    [
      'a server that does not work',
      {
        status: 503,
        headers: { date: 'Wed, 21 Oct 2015 07:28:00 GMT', 'retry-after': 'Wed, 21 Oct 2015 07:28:09 GMT' },
        body: '',
      },
      { code: 'provider-failed', status: 503, retryable: true, retryAfterMs: 9000 },
    ],
    [
      'a refusal',
      { status: 401, body: { error: { message: `Incorrect API key provided: ${ENDPOINT_KEY}.` } } },
      {
        code: 'provider-failed',
        status: 401,
        retryable: false,
        message: `openai refused batch ${BATCH_ID} with status 401: Incorrect API key provided: ***.`,
      },
    ],
  ] as const)('to %s is told by its name, and tells no key', async (_, answer, error) => {
    const { api: sender } = await api(() => answer);
    await expect(sender.submit(shipment, 'file-1')).rejects.toMatchObject(error);
  });
});

describe('looking for a batch whose submission got no answer', () => {
  const since = 1_800_000_000_000;
  const listed = (id: string, ageMs: number, batchId?: string): object => ({
    id,
    created_at: (since - ageMs) / 1000,
    metadata: batchId === undefined ? null : { farthing_batch: batchId },
  });

  test('finds it by our id, behind any number of others', async () => {
    const { api: sender, requests } = await api(({ line }) => ({
      body: line.endsWith('after=b')
        ? { data: [listed('c', 60_000, BATCH_ID)], has_more: false }
        : { data: [listed('a', 0), listed('b', 0, 'fb_other')], has_more: true, last_id: 'b' },
    }));
    expect(await sender.find(shipment, since, () => false)).toEqual({ kind: 'found', providerId: 'c' });
    expect(requests.map(({ line }) => line)).toEqual([
      'GET /v1/batches?limit=100',
      'GET /v1/batches?limit=100&after=b',
    ]);
  });

  test('ends at batches that are older', async () => {
    const { api: sender, requests } = await api(() => ({
      body: { data: [listed('a', 0), listed('b', 601_000, BATCH_ID)], has_more: true, last_id: 'b' },
    }));
    expect(await sender.find(shipment, since, () => false)).toEqual({ kind: 'absent' });
    expect(requests).toHaveLength(1);
  });

  test('says nothing when the list cannot be read to its end', async () => {
    const endless = await api(() => ({ body: { data: [listed('a', 0)], has_more: true, last_id: 'a' } }));
    await expect(endless.api.find(shipment, since, () => false)).rejects.toMatchObject({ code: 'provider-broken' });
    const other = await api(() => ({ body: { object: 'error' } }));
    await expect(other.api.find(shipment, since, () => false)).rejects.toMatchObject({ code: 'provider-broken' });
  });
});

describe('following', () => {
  test('a status is read, and no key is told in its faults', async () => {
    const errors = { data: [{ code: 'invalid_key', line: 1, message: `key ${ENDPOINT_KEY}` }] };
    const { api: reader, requests } = await api(() => ({ body: { id: 'batch_1', status: 'failed', errors } }));
    expect(await reader.status(batch)).toMatchObject({
      state: 'ended',
      reason: 'failed',
      fault: 'line 1: invalid_key: key ***',
    });
    expect(requests[0]?.line).toBe('GET /v1/batches/batch_1');
  });

  test('rows come from both files, each once, the first one counts', async () => {
    const output = ['{"custom_id":"b","response":{"status_code":200,"body":{"n":2}}}'];
    output.push('', '{"custom_id":"a","response":{"status_code":200,"body":{"n":1}}}\r');
    const errors = ['{"custom_id":"b","response":{"status_code":500,"body":{}}}'];
    errors.push('{"custom_id":"c","response":null,"error":{"code":"batch_expired"}}', '');
    const { api: reader } = await api(({ line }) => ({ body: (line.includes('out') ? output : errors).join('\n') }));
    expect(await all(reader.rows(batch, endedWith('file-out', 'file-err')))).toEqual([
      { customId: 'b', kind: 'reply', status: 200, body: '{"n":2}' },
      { customId: 'a', kind: 'reply', status: 200, body: '{"n":1}' },
      { customId: 'c', kind: 'expired' },
    ]);
  });

  test('lines that cannot be read are told when all others have been given', async () => {
    const content = '<html>\n{"id":"x"}\n{"custom_id":"a","response":{"status_code":200,"body":{}}}\n';
    const { api: reader } = await api(() => ({ body: content }));
    const rows = reader.rows(batch, endedWith('file-1'))[Symbol.asyncIterator]();
    expect((await rows.next()).value).toMatchObject({ customId: 'a' });
    await expect(rows.next()).rejects.toMatchObject({
      code: 'provider-failed',
      retryable: false,
      message: 'line 1 of file file-1 of batch batch_1 is not JSON, and 1 more cannot be read',
    });
  });

  test('a batch that is over already is well cancelled, one that runs on is not', async () => {
    for (const [state, isWell] of [
      ['completed', true],
      ['cancelling', true],
      ['in_progress', false],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- each case has its server
      const { api: reader } = await api(({ line }) =>
        line.endsWith('/cancel') ? { status: 409, body: { error: {} } } : { body: { status: state } },
      );
      const cancelled = reader.cancel(batch);
      // oxlint-disable-next-line no-await-in-loop -- see above
      await (isWell ? cancelled : expect(cancelled).rejects.toMatchObject({ status: 409 }));
    }
  });

  test('a file that is gone already is well removed', async () => {
    const { api: sender, requests } = await api(() => ({ status: 404, body: { error: { message: 'No such file.' } } }));
    await sender.unstage(shipment, 'file/1');
    expect(requests[0]?.line).toBe('DELETE /v1/files/file%2F1');
    const other = await api(() => ({ status: 403, body: {} }));
    await expect(other.api.unstage(shipment, 'file-1')).rejects.toMatchObject({ status: 403 });
  });
});
