import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { BatchWorld } from '../../../test/support/batch-world.ts';
import type { Job } from '../../core/model/deferred-call.ts';
import type { BatchWorker } from './batch-worker.ts';

const MINUTE_MS = 60_000;
/** What a call of the world costs in a batch, in nano-dollars; live it is twice that. */
const BATCH_NANO_USD = 35_000;

/** A call in a batch that comes back after forty minutes, whose hour comes before that. */
async function lateBatch(leaseMs = MINUTE_MS): Promise<{ readonly world: BatchWorld; readonly worker: BatchWorker }> {
  const batches = { medianMs: 40 * MINUTE_MS, spreadSigma: 0, slowRatio: 0 };
  const world = new BatchWorld({ seed: 3, batches, flexBusyRatio: 1, maxRequests: 4, settings: { leaseMs } });
  const call = { vendor: 'anthropic', run: '', position: 0, onUnanswered: 'batch' } as const;
  await world.add({ ...call, deadlineMs: 70 * MINUTE_MS });
  const worker = world.worker();
  const [job] = await world.all();
  expect(job).toMatchObject({ state: 'waiting' });
  world.clock.advance(MINUTE_MS);
  await worker.tick();
  expect(await world.jobs.batches({})).toMatchObject([{ stage: 'submitted' }]);
  return { world, worker };
}

async function only(world: BatchWorld): Promise<Job> {
  const [job] = await world.all();
  if (job === undefined) throw new Error('there is no job');
  return job;
}

/** Another process begins to ask the call live, early. */
async function askedElsewhere(world: BatchWorld, leaseMs: number): Promise<void> {
  const { call, version } = await only(world);
  const nowMs = world.clock.nowMs();
  await world.jobs.update([{ callId: call.callId, version, set: { liveAtMs: nowMs } }]);
  expect(await world.jobs.leaseLive({ workerId: 'other', nowMs, leaseMs }, 1)).toHaveLength(1);
}

test('an answer that comes while its call is asked live elsewhere is kept, and is the call’s when that process dies', async () => {
  const { world, worker } = await lateBatch();
  await askedElsewhere(world, 60 * MINUTE_MS);
  world.clock.advance(41 * MINUTE_MS);
  await worker.tick();
  expect(await only(world)).toMatchObject({ state: 'live', batchId: undefined, result: { way: 'batch' } });
  expect(world.published).toEqual([]);
  world.clock.advance(20 * MINUTE_MS);
  await worker.tick();
  expect(await only(world)).toMatchObject({ state: 'done', result: { way: 'batch', outcome: 'complete' } });
  expect(world.published).toMatchObject([{ costNanoUsd: BATCH_NANO_USD, isEstimate: false }]);
  expect(await world.charged()).toBe(world.invoiced());
});

test('a call that is answered live while its batch comes back is told once, with the cost of both', async () => {
  const { world, worker } = await lateBatch(60 * MINUTE_MS);
  const handle = world.engine.handle.bind(world.engine);
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  Object.assign(world.engine, {
    handle: async (...asked: Parameters<typeof handle>) => {
      await handle(...asked);
      await answered;
    },
  });
  const { call, version } = await only(world);
  const liveAtMs = world.clock.nowMs();
  await world.jobs.update([{ callId: call.callId, version, set: { liveAtMs } }]);
  const asking = worker.tick();
  while ((await only(world)).state !== 'live') await nextTurn();
  world.clock.advance(41 * MINUTE_MS);
  await world.worker().tick();
  expect(await only(world)).toMatchObject({ state: 'live', result: { way: 'batch' } });
  answer();
  await asking;
  expect(await only(world)).toMatchObject({ state: 'done', batchId: undefined, result: { way: 'live' } });
  expect(world.published).toMatchObject([{ costNanoUsd: 3 * BATCH_NANO_USD }]);
  expect(await world.charged()).toBe(3 * BATCH_NANO_USD);
  expect(world.invoiced()).toBe(3 * BATCH_NANO_USD);
});

test('a call that was answered live is told when its late batch is settled too, with the cost of both', async () => {
  const { world, worker } = await lateBatch();
  const { call, version } = await only(world);
  await world.jobs.update([{ callId: call.callId, version, set: { liveAtMs: world.clock.nowMs() } }]);
  await worker.tick();
  expect((await only(world)).state).toBe('done');
  expect(world.published).toEqual([]);
  await world.settle([], 1, () => Promise.resolve());
  const [record] = world.published;
  expect(world.published).toHaveLength(1);
  expect(record?.costNanoUsd).toBe(await world.charged());
  expect(await world.charged()).toBe(world.invoiced());
});
