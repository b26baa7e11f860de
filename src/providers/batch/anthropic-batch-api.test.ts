import { describe, expect, test } from 'vitest';
import {
  batchEndpoint,
  ENDPOINT_KEY,
  type EndpointAnswer,
  type EndpointRequest,
  shipmentOf,
} from '../../../test/support/batch-endpoint.ts';
import type { BatchRow, BatchStatus } from '../../core/model/batch-reply.ts';
import type { BatchAddress, BatchApi, BatchShipment } from '../../ports/batch-api.ts';
import { batchApiOf } from './batch-api-of.ts';

const BATCH_ID = 'fb_0123456789abcdef';
const lines = [
  { customId: `${BATCH_ID}-1`, body: '{"model":"m",\n"max_tokens":5,"messages":[{"role":"user","content":"hé"}]}' },
  { customId: `${BATCH_ID}-2`, body: '{"model":"m","max_tokens":5,"messages":[]}' },
];
const shipment = shipmentOf(lines, { endpoint: 'messages', headers: { 'anthropic-beta': 'b-2026' } });
const batch: BatchAddress = { providerId: 'msgbatch_1', batchId: BATCH_ID, headers: {}, keyIndex: undefined };
const ENDED: BatchStatus = {
  state: 'ended',
  reason: 'completed',
  fault: undefined,
  done: 1,
  failed: 0,
  resultIds: [],
};

async function api(
  answer: (request: EndpointRequest) => EndpointAnswer,
): Promise<{ readonly api: BatchApi; readonly requests: readonly EndpointRequest[] }> {
  const { provider, requests } = await batchEndpoint('anthropic', answer);
  return { api: batchApiOf(provider), requests };
}

describe('submitting', () => {
  test('sends all requests at once, with version, betas and key; nothing is staged', async () => {
    const { api: sender, requests } = await api(() => ({ body: { id: 'msgbatch_1', type: 'message_batch' } }));
    expect(await sender.stage(shipment, false)).toBeUndefined();
    expect(await sender.submit(shipment, undefined)).toBe('msgbatch_1');
    await sender.unstage(shipment, 'nothing');
    expect(requests).toHaveLength(1);
    expect(requests[0]?.line).toBe('POST /v1/messages/batches');
    expect(requests[0]?.headers).toMatchObject({
      'x-api-key': ENDPOINT_KEY,
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'b-2026',
      'content-type': 'application/json',
    });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      requests: lines.map(({ customId, body }) => ({ custom_id: customId, params: JSON.parse(body) as unknown })),
    });
  });

  test.each([
    [529, 'provider-failed'],
    [413, 'provider-failed'],
    [500, 'provider-broken'],
  ])('refused with %i is %s', async (status, code) => {
    const { api: sender } = await api(() => ({
      status,
      body: { type: 'error', error: { type: 'x', message: 'Why.' } },
    }));
    await expect(sender.submit(shipment, undefined)).rejects.toMatchObject({
      code,
      message: `anthropic refused batch ${BATCH_ID} with status ${status}: Why.`,
    });
  });
});

describe('looking for a batch whose submission got no answer', () => {
  const since = Date.UTC(2026, 0, 1);
  const listed = (id: string, requests: number, changes: object = {}): object => ({
    id,
    processing_status: 'ended',
    request_counts: { succeeded: requests },
    results_url: `https://elsewhere.invalid/${id}`,
    created_at: new Date(since).toISOString(),
    ...changes,
  });
  const running = { processing_status: 'in_progress', results_url: null };

  async function find(
    batches: readonly object[],
    firstIds: Readonly<Record<string, string>> = {},
    sought: BatchShipment = shipment,
  ): Promise<{ readonly found: unknown; readonly asked: readonly string[] }> {
    const { api: sender, requests } = await api(({ line }) => {
      const id = /batches\/(\w+)\/results$/.exec(line)?.[1] ?? '';
      if (id === '') return { body: { data: batches, has_more: false } };
      // The rest of the results, as long as it may be, is not read.
      return { body: `{"custom_id":"${firstIds[id]}","result":{"type":"expired"}}\n${'x'.repeat(1_000_000)}` };
    });
    const found = await sender.find(sought, since, (id) => id === 'known');
    return { found, asked: requests.slice(1).map(({ line }) => line) };
  }

  test('an ended one is ours when the custom ids in it begin with our id', async () => {
    const batches = [listed('a', 2), listed('known', 2), listed('c', 3), listed('b', 2)];
    const { found, asked } = await find(batches, { a: 'fb_other-1', b: `${BATCH_ID}-2` });
    expect(found).toEqual({ kind: 'found', providerId: 'b' });
    expect(asked).toEqual(['GET /v1/messages/batches/a/results', 'GET /v1/messages/batches/b/results']);
  });

  test('a running one with as many requests may be ours; with another number, older, or known it is not', async () => {
    expect((await find([listed('a', 2, running)])).found).toEqual({ kind: 'unsure' });
    expect((await find([listed('a', 3, running), listed('known', 2, running)])).found).toEqual({ kind: 'absent' });
    const older = { ...running, created_at: new Date(since - 601_000).toISOString() };
    expect((await find([listed('a', 2, older)])).found).toEqual({ kind: 'absent' });
  });

  test("a client's own one is told by the ids that the client chose, all of them", async () => {
    const own = shipmentOf([
      { customId: 'first', body: '{}' },
      { customId: 'second', body: '{}' },
    ]);
    const { api: sender } = await api(({ line }) => {
      const id = /batches\/(\w+)\/results$/.exec(line)?.[1];
      if (id === undefined) return { body: { data: [listed('a', 2), listed('b', 2)], has_more: false } };
      const ids = id === 'a' ? ['first', 'third'] : ['second', 'first'];
      return { body: ids.map((customId) => `{"custom_id":"${customId}","result":{"type":"expired"}}`).join('\n') };
    });
    expect(await sender.find(own, since, () => false)).toEqual({ kind: 'found', providerId: 'b' });
    expect((await find([listed('a', 2)], { a: 'other' }, own)).found).toEqual({ kind: 'absent' });
  });

  test('one that is found ends all doubt about others', async () => {
    const { found } = await find([listed('a', 2, running), listed('b', 2)], { b: `${BATCH_ID}-1` });
    expect(found).toEqual({ kind: 'found', providerId: 'b' });
  });

  test('one whose results cannot be had leaves it open', async () => {
    expect((await find([listed('a', 2, { results_url: null })])).found).toEqual({ kind: 'unsure' });
  });
});

describe('following', () => {
  test('a status is read', async () => {
    const { api: reader, requests } = await api(() => ({
      body: { processing_status: 'canceling', request_counts: { processing: 2 } },
    }));
    expect(await reader.status(batch)).toMatchObject({ state: 'cancelling' });
    expect(requests[0]?.line).toBe('GET /v1/messages/batches/msgbatch_1');
  });

  test('rows come from the provider itself, whatever address its batch names', async () => {
    const content = ['{"custom_id":"b","result":{"type":"expired"}}'];
    content.push('{"custom_id":"a","result":{"type":"succeeded","message":{"id": "msg_1"}}}');
    const { api: reader, requests } = await api(() => ({ body: content.join('\n') }));
    const rows: BatchRow[] = [];
    for await (const row of reader.rows(batch, ENDED)) rows.push(row);
    expect(rows).toEqual([
      { customId: 'b', kind: 'expired' },
      { customId: 'a', kind: 'reply', status: 200, body: '{"id": "msg_1"}' },
    ]);
    expect(requests.map(({ line }) => line)).toEqual(['GET /v1/messages/batches/msgbatch_1/results']);
  });

  test('it is cancelled on request', async () => {
    const { api: reader, requests } = await api(() => ({ body: { processing_status: 'canceling' } }));
    await reader.cancel(batch);
    expect(requests.map(({ line }) => line)).toEqual(['POST /v1/messages/batches/msgbatch_1/cancel']);
  });
});
