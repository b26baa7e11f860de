import { expect, test } from 'vitest';
import { damagedApi } from '../../../test/support/damaged-api.ts';
import { BatchWorld, type WorldCall, type WorldOptions } from '../../../test/support/batch-world.ts';
import { FarthingError } from '../../core/errors.ts';
import type { JobResult } from '../../core/model/deferred-call.ts';
import { DeferredCalls } from '../../gateway/deferred/deferred-calls.ts';
import type { JobChange, Jobs } from '../../ports/job-store.ts';
import type { Ledger } from '../../ports/ledger.ts';

const HOUR_MS = 3_600_000;
/** What a row of a run costs in a batch, in nano-dollars. */
const ANSWER_NANO_USD = 35_500;
const NOBODY = (): Promise<void> => Promise.resolve();

function worldOf(options: Partial<WorldOptions> = {}): BatchWorld {
  const batches = { medianMs: 600_000, spreadSigma: 0, slowRatio: 0, windowMs: HOUR_MS, ...options.batches };
  return new BatchWorld({ seed: 11, flexBusyRatio: 0, maxRequests: 10, ...options, batches });
}

async function added(world: BatchWorld, count: number, call: Partial<WorldCall> = {}): Promise<readonly string[]> {
  const callIds: string[] = [];
  for (let position = 0; position < count; position += 1) {
    const one = { vendor: 'openai', run: '', deadlineMs: undefined, onUnanswered: 'batch', ...call } as const;
    // oxlint-disable-next-line no-await-in-loop -- one seed is one world
    const callId = await world.add({ ...one, position });
    if (callId !== undefined) callIds.push(callId);
  }
  return callIds;
}

async function resultsOf(world: BatchWorld): Promise<readonly (JobResult | undefined)[]> {
  return (await world.all()).map(({ result }) => result);
}

/** The most that a call may cost in a batch. */
function halfOf(boundNanoUsd: number | undefined): number {
  return Math.ceil((boundNanoUsd ?? Number.NaN) / 2);
}

test('of results with a line that nobody can read the rest is settled, and what the provider may bill for its call is charged as an estimate', async () => {
  const world = worldOf({ apiOf: damagedApi });
  await added(world, 8, { run: 'run_a' });
  await world.settle([], 1, NOBODY);
  const results = await resultsOf(world);
  expect(results.filter((result) => result?.outcome === 'complete').length).toBe(7);
  const unread = (await world.all()).find(({ result }) => result?.outcome === 'unreadable');
  const mostNanoUsd = halfOf(unread?.call.boundNanoUsd);
  expect(unread?.result?.record).toMatchObject({ costNanoUsd: mostNanoUsd, isEstimate: true });
  expect(await world.charged()).toBe(world.invoiced() - ANSWER_NANO_USD + mostNanoUsd);
  expect(await world.jobs.batches({})).toEqual([]);
});

test('of a batch that expired, what was answered and cannot be read is charged, and the others are asked again', async () => {
  const world = worldOf({ apiOf: damagedApi, batches: { neverRatio: 1 } });
  await added(world, 10, { run: 'run_a', onUnanswered: 'live' });
  await world.settle([], 1, NOBODY);
  const records = (await resultsOf(world)).map((result) => result?.record);
  expect(records.every((record) => record?.outcome === 'complete')).toBe(true);
  const unread = records.filter((record) => record?.isEstimate === true);
  expect(unread.length).toBe(1);
  const mostNanoUsd = halfOf((await world.all())[0]?.call.boundNanoUsd);
  expect(await world.charged()).toBe(world.invoiced() - ANSWER_NANO_USD + mostNanoUsd);
});

/** A store where others are faster so many times when a batch's answer is to be kept. */
function contended(jobs: Jobs, times: number): Jobs {
  let left = times;
  const update = async (changes: readonly JobChange[]): Promise<readonly boolean[]> => {
    const isAnswer = changes.some(({ set }) => set.result?.way === 'batch');
    if (!isAnswer || left === 0) return jobs.update(changes);
    left -= 1;
    return changes.map(() => false);
  };
  return new Proxy(jobs, {
    get: (target, name) => {
      if (name === 'update') return update;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

test('an answer is kept and told with what it cost, however often others are faster', async () => {
  let seen: Jobs | undefined;
  const world = worldOf({ jobsOf: (jobs) => (seen ??= contended(jobs, 7)) });
  await added(world, 1);
  await world.settle([], 1, NOBODY);
  const [result] = await resultsOf(world);
  expect(result).toMatchObject({ outcome: 'complete', way: 'batch' });
  expect(result?.record.costNanoUsd).toBe(await world.charged());
  expect(await world.charged()).toBe(world.invoiced());
});

test('a call whose provider is gone for good fails in the end, and is charged at the most that its batch may have cost', async () => {
  let isThere = true;
  const world = worldOf({
    batches: { neverRatio: 1, windowMs: 100 * HOUR_MS },
    apiOf: (api) => (isThere ? api : undefined),
  });
  await added(world, 2, { run: 'run_a', onUnanswered: 'fail' });
  await world.settle([], 1, async (round) => {
    isThere = round < 8;
    if (!isThere) world.clock.advance(24 * HOUR_MS);
  });
  const jobs = await world.all();
  for (const { call, result } of jobs) {
    expect(result?.outcome).toBe('lost');
    expect(result?.record).toMatchObject({ costNanoUsd: halfOf(call.boundNanoUsd), isEstimate: true });
  }
  expect(await world.charged()).toBe(jobs.reduce((sum, { call }) => sum + halfOf(call.boundNanoUsd), 0));
});

test('a call that cannot be asked live for now waits for its batch as before, and can be taken back', async () => {
  let isDown = true;
  const ledgerOf = (ledger: Ledger): Ledger =>
    new Proxy(ledger, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'intend' && isDown) return () => Promise.reject(new FarthingError('store-unavailable', 'down'));
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  const world = worldOf({ batches: { neverRatio: 1, windowMs: 100 * HOUR_MS }, ledgerOf });
  const [callId = ''] = await added(world, 1, { vendor: 'anthropic', deadlineMs: 10 * HOUR_MS });
  const worker = world.worker();
  world.clock.advance(60_000);
  await worker.tick();
  const [waiting] = await world.all();
  world.clock.advance((waiting?.liveAtMs ?? 0) - world.clock.nowMs());
  await worker.tick();
  const [paused] = await world.all();
  expect(paused?.state).toBe('batched');
  isDown = false;
  const { jobs, engine, clock } = world;
  const calls = new DeferredCalls({ jobs, engine: () => engine, clock, onCancelled: () => undefined });
  expect((await calls.cancel(callId, 'p'))?.result?.outcome).toBe('cancelled');
  await world.settle([], 1, NOBODY);
  expect(await world.charged()).toBe(0);
});

test.each([HOUR_MS / 3, 20 * HOUR_MS])(
  'who asks for flex himself has saved nothing by being answered at its price, %i ms before his deadline',
  async (deadlineMs) => {
    const world = worldOf({ batches: { medianMs: 60_000 } });
    const [asked = ''] = await added(world, 1, { deadlineMs, serviceTier: 'flex' });
    await world.settle([], 1, NOBODY);
    const record = world.published.find(({ callId }) => callId === asked);
    expect(record?.costNanoUsd).toBe(world.invoiced());
    expect(record).toMatchObject({ baselineNanoUsd: record?.costNanoUsd, savedNanoUsd: 0 });
  },
);

test('a call for which a provider never has room in a batch fails in the end, and its money is free', async () => {
  const world = worldOf({ batches: { enqueuedTokenLimit: 1 } });
  await added(world, 2, { run: 'run_a' });
  await world.settle([], 1, NOBODY);
  expect((await resultsOf(world)).map((result) => result?.outcome)).toEqual(['too-large', 'too-large']);
  expect(await world.charged()).toBe(0);
});
