import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endpointProvider, shipmentOf } from '../../../test/support/batch-endpoint.ts';
import type { BatchRow, BatchStatus } from '../../core/model/batch-reply.ts';
import { customIdOf } from '../../core/model/provider-batch.ts';
import type { BatchAddress, BatchApi, BatchShipment, FoundBatch } from '../../ports/batch-api.ts';
import type { SimulatedBatchOptions } from '../../simulator/batch/batch-options.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../simulator/simulated-provider.ts';
import { batchApiOf } from './batch-api-of.ts';

const BATCH_ID = 'fb_0123456789abcdef';
const CALLS = 40;
/** All batches take a simulated minute, which is 60 ms here. */
const TIME_SCALE = 1000;
const QUICK: SimulatedBatchOptions = { medianMs: 60_000, spreadSigma: 0, slowRatio: 0 };

describe.each(['openai', 'anthropic'] as const)('against a simulated %s', (protocol) => {
  const model = protocol === 'openai' ? 'gpt-m' : 'claude-m';

  async function start(
    batches: SimulatedBatchOptions,
  ): Promise<{ readonly api: BatchApi; readonly simulated: SimulatedProvider }> {
    const prices = { [model]: { input: 1_000_000, output: 4_000_000 } };
    const simulated = await startSimulatedProvider({ prices, timeScale: TIME_SCALE, batches });
    onTestFinished(() => simulated.close());
    return { api: batchApiOf(endpointProvider(protocol, simulated.origin)), simulated };
  }

  const lines = Array.from({ length: CALLS }, (_, index) => ({
    customId: customIdOf(BATCH_ID, `call_${index}`),
    body: `{"model":"${model}",\n"max_tokens":20,"messages":[{"role":"user","content":"Say ${index}."}]}`,
  }));
  const shipment: BatchShipment = shipmentOf(lines, { endpoint: protocol === 'openai' ? 'chat' : 'messages' });
  const at = (providerId: string): BatchAddress => ({
    providerId,
    batchId: BATCH_ID,
    headers: {},
    keyIndex: undefined,
  });

  async function submitted(api: BatchApi): Promise<BatchAddress> {
    return at(await api.submit(shipment, await api.stage(shipment, false)));
  }

  async function ended(api: BatchApi, batch: BatchAddress): Promise<BatchStatus> {
    const status = await api.status(batch);
    if (status.state === 'ended') return status;
    await pause(10);
    return ended(api, batch);
  }

  async function rowsOf(api: BatchApi, batch: BatchAddress): Promise<readonly BatchRow[]> {
    const rows: BatchRow[] = [];
    for await (const row of api.rows(batch, await ended(api, batch))) rows.push(row);
    return rows;
  }

  test('every request comes back answered once, or with its error, and is billed as often', async () => {
    const { api, simulated } = await start({ ...QUICK, failedRowRatio: 0.3, failedRowStatus: 400 });
    const rows = await rowsOf(api, await submitted(api));
    expect(rows.map(({ customId }) => customId).toSorted()).toEqual(lines.map(({ customId }) => customId).toSorted());
    const statuses = rows.map((row) => (row.kind === 'reply' ? row.status : row.kind));
    expect(new Set(statuses)).toEqual(new Set([200, 400]));
    expect(simulated.invoice().byTier.batch.requests).toBe(statuses.filter((status) => status === 200).length);
    expect(simulated.invoice().requests).toBe(simulated.invoice().byTier.batch.requests);
    const bodies = rows.map((row) => (row.kind === 'reply' ? (JSON.parse(row.body) as object) : {}));
    expect(bodies.every((body) => 'error' in body || 'usage' in body)).toBe(true);
  });

  test('a batch whose submission got no answer is found, and an unanswered upload used again', async () => {
    const { api, simulated } = await start({ ...QUICK, medianMs: 600_000 });
    const sinceMs = Date.now() - 1000;
    let stagedId: string | undefined;
    if (protocol === 'openai') {
      simulated.failNextBatchRequest({ kind: 'lost-reply', on: 'upload' });
      await expect(api.stage(shipment, false)).rejects.toMatchObject({ code: 'provider-broken' });
      stagedId = await api.stage(shipment, true);
    }
    expect(await api.find(shipment, sinceMs, () => false)).toEqual({ kind: 'absent' });
    simulated.failNextBatchRequest({ kind: 'lost-reply', on: 'submit' });
    await expect(api.submit(shipment, stagedId)).rejects.toMatchObject({ code: 'provider-broken' });
    const looks: FoundBatch[] = [];
    do {
      // oxlint-disable-next-line no-await-in-loop -- each look is later than the one before
      looks.push(await api.find(shipment, sinceMs, () => false));
      // oxlint-disable-next-line no-await-in-loop -- see above
      await pause(20);
    } while (looks.at(-1)?.kind === 'unsure');
    if (protocol === 'anthropic') expect(looks[0]).toEqual({ kind: 'unsure' });
    else expect(looks).toHaveLength(1);
    const [made] = simulated.batches();
    expect(simulated.batches()).toHaveLength(1);
    expect(looks.at(-1)).toEqual({ kind: 'found', providerId: made?.id });
    expect(await rowsOf(api, at(made?.id ?? ''))).toHaveLength(CALLS);
    if (stagedId === undefined) return;
    await api.unstage(shipment, stagedId);
    await api.unstage(shipment, stagedId);
  });

  test('a download that is cut is no end of the results', async () => {
    const { api, simulated } = await start(QUICK);
    const batch = await submitted(api);
    await ended(api, batch);
    simulated.failNextBatchRequest({ kind: 'cut', on: 'download' });
    await expect(rowsOf(api, batch)).rejects.toMatchObject({ code: 'provider-broken' });
    expect(await rowsOf(api, batch)).toHaveLength(CALLS);
  });

  test('what is cancelled is told of line by line, and cancelling again is well', async () => {
    const { api, simulated } = await start({ ...QUICK, medianMs: 3_600_000, cancellingMs: 10_000 });
    const batch = await submitted(api);
    await api.cancel(batch);
    expect((await ended(api, batch)).reason).toBe('cancelled');
    await api.cancel(batch);
    const rows = await rowsOf(api, batch);
    expect(rows).toHaveLength(CALLS);
    const answered = rows.filter(({ kind }) => kind === 'reply');
    expect(answered).toHaveLength(simulated.answeredRows().length);
    expect(rows.some(({ kind }) => kind === 'cancelled')).toBe(true);
  });

  test("a refusal is told with the provider's status", async () => {
    const { api, simulated } = await start(QUICK);
    simulated.failNextBatchRequest({ kind: 'status', status: 429, on: protocol === 'openai' ? 'upload' : 'submit' });
    await expect(submitted(api)).rejects.toMatchObject({ code: 'provider-failed', status: 429, retryable: true });
    expect(simulated.batches()).toEqual([]);
  });
});
