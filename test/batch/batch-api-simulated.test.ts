import { expect, test } from 'vitest';
import type { BatchLine, BatchRow, BatchShipment } from '../../src/ports/batch-api.ts';
import { batchApiOf } from '../../src/providers/batch/batch-api-of.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { simulatedBatchProvider } from '../../src/testing/simulated-batch-provider.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

const HOUR_MS = 3_600_000;
const PROTOCOLS = {
  openai: { endpoint: 'chat', model: 'gpt-5.4-mini' },
  anthropic: { endpoint: 'messages', model: 'claude-haiku-4-5' },
} as const;

function shipmentOf(protocol: 'openai' | 'anthropic', batchId: string, requests: number): BatchShipment {
  const { endpoint, model } = PROTOCOLS[protocol];
  async function* lines(): AsyncIterable<BatchLine> {
    for (let index = 0; index < requests; index += 1) {
      const body = JSON.stringify({
        model,
        max_tokens: 40,
        messages: [{ role: 'user', content: `Question ${index}` }],
      });
      yield { customId: `${batchId}-${index}`, body };
    }
  }
  return { batchId, endpoint, headers: {}, keyIndex: undefined, requests, lines };
}

test.each(['openai', 'anthropic'] as const)(
  'a batch whose answer was lost is found again at %s, followed, and read with what failed in it',
  async (protocol) => {
    const clock = new FakeClock();
    const { provider, books } = simulatedBatchProvider({
      protocol,
      clock,
      prices: SIMULATED_PRICES,
      seed: 7,
      batches: { medianMs: HOUR_MS, slowRatio: 0, failedRowRatio: 0.2, windowMs: HOUR_MS / 2 },
    });
    const api = batchApiOf(provider);
    const shipment = shipmentOf(protocol, 'fb_00000000000000aa', 60);
    const stagedId = await api.stage(shipment, false);
    expect(await api.stage(shipment, true)).toBe(stagedId);
    const sinceMs = clock.nowMs();
    books.failNextBatchRequest({ kind: 'lost-request', on: 'submit' });
    await expect(api.submit(shipment, stagedId)).rejects.toMatchObject({ code: 'provider-broken' });
    expect(await api.find(shipment, sinceMs, () => false)).toEqual({ kind: 'absent' });
    books.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
    await expect(api.submit(shipment, stagedId)).rejects.toMatchObject({ code: 'provider-broken' });
    clock.advance(24 * HOUR_MS);
    const found = await api.find(shipment, sinceMs, () => false);
    const providerId = books.batches()[0]?.id ?? '';
    expect(found).toEqual({ kind: 'found', providerId });
    const address = { providerId, batchId: shipment.batchId, headers: {}, keyIndex: undefined };
    const status = await api.status(address);
    expect(status.state).toBe('ended');
    const rows: BatchRow[] = [];
    for await (const row of api.rows(address, status)) rows.push(row);
    const answered = books.answeredRows();
    expect(new Set(rows.map(({ customId }) => customId)).size).toBe(60);
    const replies = rows.flatMap((row) => (row.kind === 'reply' ? [`${row.customId} ${row.status}`] : []));
    expect(replies.toSorted()).toEqual(answered.map(({ customId, status: code }) => `${customId} ${code}`).toSorted());
    expect(rows.filter(({ kind }) => kind === 'expired')).toHaveLength(60 - answered.length);
    expect(answered.length).toBeGreaterThan(0);
    expect(answered.length).toBeLessThan(60);
    expect(books.batches()).toHaveLength(1);
  },
);
