import { expect, test } from 'vitest';
import { BatchWorld, MODELS } from '../../../test/support/batch-world.ts';
import { shipmentOf } from '../../jobs/batch/batch-shipment.ts';
import { queueFacts } from '../../core/model/deferred-call.ts';
import { batchApiOf } from '../../providers/batch/batch-api-of.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { ClientBatchDraft, type ClientBatchParts } from './client-batch-draft.ts';
import { RowIntake } from './row-intake.ts';

const encoder = new TextEncoder();

/** A batch of two rows whose money is held, and the world that it is in. */
async function drafted(
  model: string = MODELS.openai,
): Promise<{ world: BatchWorld; parts: ClientBatchParts; draft: ClientBatchDraft }> {
  const batches = { medianMs: 60_000, spreadSigma: 0, slowRatio: 0 };
  const world = new BatchWorld({ seed: 5, batches, flexBusyRatio: 0, maxRequests: 10 });
  const { jobs, clock, engine } = world;
  const api = batchApiOf(world.simulated.openai.provider);
  const parts: ClientBatchParts = {
    jobs,
    engine: () => engine,
    providerOf: () => ({ api }),
    clock,
    random: seededRandom(1),
    wake: () => undefined,
  };
  const client = {
    project: 'p',
    protocol: 'openai',
    provider: 'openai',
    endpoint: '/v1/chat/completions',
    inputFileId: 'file-1',
    metadata: undefined,
    cachedRows: 0,
  } as const;
  const draft = await ClientBatchDraft.open(parts, client, { endpoint: 'chat', headers: {}, keyIndex: undefined });
  const intake = new RowIntake({
    parts,
    draft,
    owners: { demand: () => Promise.resolve() },
    caller: { project: 'p', keyId: 'k' },
    endpoint: 'chat',
    headers: {},
    query: '',
    param: 'input_file_id',
    maxRequests: 10,
    signal: new AbortController().signal,
  });
  for (const customId of ['a', 'b']) {
    const messages = [{ role: 'user', content: customId }];
    const body = encoder.encode(JSON.stringify({ model, messages, max_completion_tokens: 16 }));
    await intake.add(customId, { kind: 'row', customId, body, ids: [] }); // oxlint-disable-line no-await-in-loop -- in their order
  }
  await intake.end();
  await draft.save(intake.sizes);
  return { world, parts, draft };
}

test('a batch whose process dies before it is sent is let go, with the money of its rows', async () => {
  const { world, draft } = await drafted();
  expect(await world.charged()).toBeGreaterThan(0);
  world.clock.advance(59_000);
  await world.worker().tick();
  expect(await world.all()).toHaveLength(2);
  world.clock.advance(2_000);
  await world.settle([], 2, () => Promise.resolve());
  expect([await world.charged(), await world.all()]).toEqual([0, []]);
  expect(world.simulated.openai.books.batches()).toEqual([]);
  await expect(draft.save({})).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('one that died while it was sent, with nothing arrived, is let go too, and never sent again', async () => {
  const { world, draft } = await drafted();
  await draft.save({ stage: 'submitting', submittingAtMs: world.clock.nowMs() });
  world.clock.advance(61_000);
  await world.settle([], 2, () => Promise.resolve());
  expect([await world.charged(), await world.all()]).toEqual([0, []]);
  expect(world.simulated.openai.books.batches()).toEqual([]);
});

test('one that arrived before its process died is followed to its end, and charged as the provider bills it', async () => {
  const { world, parts, draft } = await drafted();
  const api = parts.providerOf('openai')?.api;
  const shipment = shipmentOf({ batch: draft.batch, facts: queueFacts(draft.batch.queue) }, world.jobs);
  const stagedId = await api?.stage(shipment, false);
  await draft.save({ stage: 'submitting', submittingAtMs: world.clock.nowMs(), stagedId });
  await api?.submit(shipment, stagedId);
  world.clock.advance(61_000);
  await world.settle([], 2, () => Promise.resolve());
  expect(world.invoiced()).toBeGreaterThan(0);
  expect(await world.charged()).toBe(world.invoiced());
  expect(await world.all()).toEqual([]);
  expect(world.published.map(({ outcome }) => outcome)).toEqual(['complete', 'complete']);
  expect(await world.jobs.batches({ batchIds: [draft.batch.batchId] })).toMatchObject([{ stage: 'settled' }]);
});

test('a process that was stopped for long sends nothing', async () => {
  const { world, draft } = await drafted();
  draft.mustBeFresh();
  world.clock.advance(31_000);
  expect(() => draft.mustBeFresh()).toThrow(/given up/);
});

test('rows that nobody can price are taken where no hard budget counts them, and nothing is held for them', async () => {
  const { world, draft } = await drafted('openai/gpt-of-tomorrow');
  expect(draft.batch.requests).toBe(2);
  expect(await world.charged()).toBe(0);
});
