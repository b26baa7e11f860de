import { expect, test } from 'vitest';
import { isFarthingError } from '../../core/errors.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import type { DeferredCall, Job } from '../../core/model/deferred-call.ts';
import { ZERO_USD } from '../../core/money.ts';
import type { DeferredEnd, DeferredSettlement } from '../../engine/engine-request.ts';
import { MemoryJobStore } from '../../stores/memory/memory-job-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleBatch, sampleJob, sampleJobResult } from '../../testing/sample-jobs.ts';
import { sampleCallRecord, sampleCharge } from '../../testing/sample-ledger-rows.ts';
import { DeferredCalls } from './deferred-calls.ts';

const ROOM = { maxRequests: 10, maxBytes: 1_000_000, maxInputTokens: 1_000_000, lineBytes: 100 };

/** What an engine was asked. */
class Engine {
  readonly settled: string[] = [];
  readonly published: CallRecord[] = [];
  /** Runs while a call is being settled: what others do meanwhile. */
  during: () => Promise<unknown> = () => Promise.resolve();

  async settleDeferred(call: DeferredCall, end: DeferredEnd): Promise<DeferredSettlement> {
    await this.during();
    this.settled.push(`${call.callId} ${end.kind === 'reply' ? end.status : end.outcome}`);
    const record = sampleCallRecord({ callId: call.callId, costNanoUsd: ZERO_USD });
    return { charge: sampleCharge(), record, isAnswer: false };
  }

  publish(record: CallRecord): void {
    this.published.push(record);
  }
}

interface Stage {
  readonly calls: DeferredCalls;
  readonly jobs: MemoryJobStore;
  readonly engine: Engine;
  readonly clock: FakeClock;
  readonly cancelled: Job[];
}

async function stageWith(job: Job): Promise<Stage> {
  const [jobs, engine, clock] = [new MemoryJobStore(), new Engine(), new FakeClock()];
  const cancelled: Job[] = [];
  await jobs.add([job]);
  const onCancelled = (taken: Job): void => void cancelled.push(taken);
  return {
    calls: new DeferredCalls({ jobs, engine: () => engine, clock, onCancelled }),
    jobs,
    engine,
    clock,
    cancelled,
  };
}

async function codeOf(work: Promise<unknown>): Promise<number | string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return isFarthingError(error) ? error.status : 'unknown';
  }
}

test('a call is there for its project, as soon as its caller has been told of it', async () => {
  const { calls } = await stageWith(sampleJob());
  expect((await calls.find('call_1', 'search'))?.call.callId).toBe('call_1');
  expect(await calls.find('call_1', 'other')).toBeUndefined();
  expect(await calls.find('call_2', 'search')).toBeUndefined();
  const untold = await stageWith(sampleJob({}, { state: 'accepting' }));
  expect(await untold.calls.find('call_1', 'search')).toBeUndefined();
  expect(await untold.calls.cancel('call_1', 'search')).toBeUndefined();
  expect(untold.engine.settled).toEqual([]);
});

test('one that waits is released, and its final record handed on', async () => {
  const { calls, engine, cancelled, jobs, clock } = await stageWith(sampleJob({ webhookUrl: 'https://a.example/' }));
  const job = await calls.cancel('call_1', 'search');
  expect(job?.result).toMatchObject({ status: 410, outcome: 'cancelled', way: 'none' });
  expect(engine.settled).toEqual(['call_1 cancelled']);
  expect(engine.published).toMatchObject([{ callId: 'call_1', outcome: 'cancelled', status: 410 }]);
  expect(cancelled).toHaveLength(1);
  // Its caller knows: nobody else is told.
  expect(await jobs.list({ states: ['done'], isUntold: true, limit: 10 })).toEqual([]);
  expect(await jobs.form(sampleBatch(), ROOM, { workerId: 'w', nowMs: clock.nowMs(), leaseMs: 1000 })).toBeUndefined();
});

test('while one is released, no batch is made of it and nobody asks it live', async () => {
  const { calls, engine, jobs, clock } = await stageWith(sampleJob({}, { liveAtMs: 1 }));
  const lease = { workerId: 'w', nowMs: clock.nowMs(), leaseMs: 1000 };
  const taken: unknown[] = [];
  engine.during = async () => taken.push(await jobs.form(sampleBatch(), ROOM, lease), await jobs.leaseLive(lease, 10));
  await calls.cancel('call_1', 'search');
  expect(taken).toEqual([undefined, []]);
});

test('one in a batch is not wanted any more: its batch settles what it was charged', async () => {
  const { calls, engine, jobs, cancelled, clock } = await stageWith(sampleJob());
  await jobs.form(sampleBatch(), ROOM, { workerId: 'w', nowMs: clock.nowMs(), leaseMs: 1000 });
  const job = await calls.cancel('call_1', 'search');
  expect(job).toMatchObject({ state: 'done', batchId: sampleBatch().batchId, result: { outcome: 'cancelled' } });
  expect(job?.result?.record).toMatchObject({ isEstimate: true, costNanoUsd: 0, target: undefined });
  expect([engine.settled, engine.published]).toEqual([[], []]);
  expect(cancelled).toHaveLength(1);
});

test('one that is being asked, or whose answer has just come, cannot be taken back', async () => {
  const asked = await stageWith(sampleJob({}, { state: 'live', leaseUntilMs: Number.MAX_SAFE_INTEGER }));
  expect(await codeOf(asked.calls.cancel('call_1', 'search'))).toBe(409);
  const came = await stageWith(sampleJob({}, { state: 'live', result: sampleJobResult() }));
  expect(await codeOf(came.calls.cancel('call_1', 'search'))).toBe(409);
  expect([asked.engine.settled, came.engine.settled]).toEqual([[], []]);
});

test('an answered call stays answered, and so does one that was cancelled', async () => {
  const { calls, engine } = await stageWith(sampleJob({}, { state: 'done', result: sampleJobResult() }));
  expect((await calls.cancel('call_1', 'search'))?.result?.outcome).toBe('complete');
  expect(engine.settled).toEqual([]);
});

test('when somebody else changes a call meanwhile, what it is then decides', async () => {
  const { calls, jobs, engine, clock } = await stageWith(sampleJob());
  const update = jobs.update.bind(jobs);
  let isFirst = true;
  jobs.update = async (changes) => {
    // A worker is faster, once.
    if (isFirst) await jobs.form(sampleBatch(), ROOM, { workerId: 'w', nowMs: clock.nowMs(), leaseMs: 1000 });
    isFirst = false;
    return update(changes);
  };
  expect(await calls.cancel('call_1', 'search')).toMatchObject({ state: 'done', batchId: sampleBatch().batchId });
  expect(engine.settled).toEqual([]);
});
