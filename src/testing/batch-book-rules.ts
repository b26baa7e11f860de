import { deepEqual, equal } from 'node:assert/strict';
import type { ProviderBatch } from '../core/model/provider-batch.ts';
import type { BatchQuery, Jobs, WorkLease } from '../ports/job-store.ts';
import { jobIn, type JobRule, listedIds } from './job-store-rules.ts';
import { sampleBatch, sampleJob } from './sample-jobs.ts';

function lease(workerId: string, nowMs: number, leaseMs = 1_000): WorkLease {
  return { workerId, nowMs, leaseMs };
}

/** Batches that nobody works on; each after the first is due a millisecond later. */
async function adopted(store: Jobs, ...batchIds: readonly string[]): Promise<void> {
  for (const [index, batchId] of batchIds.entries()) {
    const batch = sampleBatch({ batchId, stage: 'submitted', nextAtMs: 2_000 + index, requests: 1 });
    await store.adopt(batch, []); // oxlint-disable-line no-await-in-loop -- in their order
  }
}

async function bookedIds(store: Jobs, query: BatchQuery): Promise<readonly string[]> {
  return (await store.batches(query)).map(({ batchId }) => batchId);
}

async function batchIn(store: Jobs, batchId: string): Promise<ProviderBatch> {
  const [batch] = await store.batches({ batchIds: [batchId] });
  if (batch === undefined) throw new Error(`${batchId} is not there`);
  return batch;
}

const LEASES: readonly JobRule[] = [
  [
    'the batch that has been due longest is leased, to one worker at a time',
    async (store, other) => {
      await adopted(store, 'fb_1', 'fb_2', 'fb_3');
      equal(await other.leaseBatch(lease('a', 1_999)), undefined);
      const first = await store.leaseBatch(lease('a', 2_001));
      deepEqual(first, sampleBatch({ batchId: 'fb_1', stage: 'submitted', nextAtMs: 2_000, requests: 1 }));
      equal((await other.leaseBatch(lease('b', 2_001)))?.batchId, 'fb_2');
      equal(await store.leaseBatch(lease('a', 2_001)), undefined);
      equal((await other.leaseBatch(lease('c', 3_001)))?.batchId, 'fb_1');
      equal((await store.leaseBatch(lease('a', 3_001)))?.batchId, 'fb_2');
      equal((await store.leaseBatch(lease('a', 3_001)))?.batchId, 'fb_3');
    },
  ],
  [
    'workers that look at once never lease the same batch',
    async (store, other) => {
      const batchIds = Array.from({ length: 10 }, (_, index) => `fb_${index}`);
      await adopted(store, ...batchIds);
      const leased: string[] = [];
      for (let round = 0; leased.length < 10 && round < 20; round += 1) {
        // oxlint-disable-next-line no-await-in-loop -- a worker that came off empty tries again
        const found = await Promise.all(
          [store, other, store, other].map((each, index) => each.leaseBatch(lease(`w${index}`, 2_500))),
        );
        leased.push(...found.flatMap((batch) => batch?.batchId ?? []));
      }
      deepEqual(leased.toSorted(), batchIds);
    },
  ],
  [
    'a batch that was formed is leased to who formed it',
    async (store, other) => {
      await store.add([sampleJob()]);
      const room = { maxRequests: 10, maxBytes: 1_000, maxInputTokens: 1_000, lineBytes: 0 };
      const batch = await store.form(sampleBatch(), room, lease('a', 2_000));
      equal(await other.leaseBatch(lease('b', 2_999)), undefined);
      equal(await other.saveBatch(sampleBatch({ stage: 'staging' }), lease('b', 2_500), false), false);
      equal(await store.saveBatch({ ...sampleBatch(batch), stage: 'staging' }, lease('a', 2_500), true), true);
      equal(await other.leaseBatch(lease('b', 3_499)), undefined);
      equal((await other.leaseBatch(lease('b', 3_500)))?.stage, 'staging');
    },
  ],
  [
    'a batch may be adopted by who goes on with it',
    async (store, other) => {
      const batch = sampleBatch({ batchId: 'fb_1', nextAtMs: 2_000 });
      await store.adopt(batch, [], lease('a', 2_000));
      equal(await other.leaseBatch(lease('b', 2_999)), undefined);
      equal(await other.saveBatch({ ...batch, requests: 1 }, lease('b', 2_500), false), false);
      equal(await store.saveBatch({ ...batch, requests: 2 }, lease('a', 2_500), true), true);
      equal(await other.leaseBatch(lease('b', 3_499)), undefined);
      equal((await other.leaseBatch(lease('b', 3_500)))?.requests, 2);
    },
  ],
  [
    'a batch is saved with everything, and given back unless its worker goes on with it',
    async (store, other) => {
      await adopted(store, 'fb_1');
      await store.leaseBatch(lease('a', 2_000));
      const saved = sampleBatch({
        batchId: 'fb_1',
        stage: 'ended',
        requests: 100_000,
        sizeBytes: 2 ** 40,
        inputTokens: 2 ** 41,
        keyIndex: 0,
        stagedId: 'file-1',
        submittingAtMs: 1,
        providerId: 'batch_ü',
        submittedAtMs: 2,
        endedAtMs: 3,
        nextAtMs: 2_500,
        failures: 4,
        fault: 'refused: "ß"',
      });
      equal(await store.saveBatch(saved, lease('a', 2_400), false), true);
      deepEqual(await batchIn(other, 'fb_1'), saved);
      equal(await store.saveBatch(saved, lease('a', 2_400), false), false);
      equal(await other.leaseBatch(lease('b', 2_499)), undefined);
      deepEqual(await other.leaseBatch(lease('b', 2_500)), saved);
    },
  ],
  [
    'a batch may be due, and a lease end, at a fraction of a millisecond',
    async (store, other) => {
      await store.adopt(sampleBatch({ nextAtMs: 2_000.25, inputTokens: 0.5 }), []);
      const batch = sampleBatch(await store.leaseBatch(lease('a', 2_001.5, 10.5)));
      equal(await store.saveBatch({ ...batch, nextAtMs: 2_005.75 }, lease('a', 2_002.25, 10.5), false), true);
      equal(await other.leaseBatch(lease('b', 2_005)), undefined);
      const due = await other.leaseBatch(lease('b', 2_007));
      equal(Math.abs((due?.nextAtMs ?? 0) - 2_005.75) < 1, true);
      await other.cancelBatches([batch.batchId], 2_003.5);
      equal((await other.batches({}))[0]?.isCancelled, true);
    },
  ],
  [
    'a worker that has lost its lease writes nothing',
    async (store, other) => {
      await adopted(store, 'fb_1');
      const batch = await store.leaseBatch(lease('a', 2_000));
      const late = { ...sampleBatch(batch), failures: 9 };
      equal(await store.saveBatch(late, lease('a', 3_000), true), false);
      await other.leaseBatch(lease('b', 3_000));
      equal(await store.saveBatch(late, lease('a', 3_001), true), false);
      equal((await batchIn(store, 'fb_1')).failures, 0);
      equal(await other.saveBatch(late, lease('b', 3_001), false), true);
      equal((await batchIn(store, 'fb_1')).failures, 9);
      equal(await other.saveBatch(sampleBatch({ batchId: 'unknown' }), lease('b', 3_001), false), false);
    },
  ],
];

const BOOK: readonly JobRule[] = [
  [
    'the book shows batches under way in the order in which they were made, and others when they are named',
    async (store, other) => {
      await adopted(store, 'fb_3', 'fb_1', 'fb_2');
      await store.adopt(sampleBatch({ batchId: 'fb_0', run: 'run', stage: 'submitted', nextAtMs: 9_999 }), []);
      await store.leaseBatch(lease('a', 2_000));
      await store.saveBatch(sampleBatch({ batchId: 'fb_3', stage: 'abandoned' }), lease('a', 2_000), false);
      deepEqual(await bookedIds(other, {}), ['fb_1', 'fb_2', 'fb_0']);
      deepEqual(await bookedIds(other, { run: 'run' }), ['fb_0']);
      deepEqual(await bookedIds(other, { batchIds: ['fb_2', 'fb_3', 'unknown'] }), ['fb_3', 'fb_2']);
      deepEqual(await bookedIds(other, { batchIds: [] }), []);
      equal((await other.leaseBatch(lease('b', 2_000_000)))?.batchId, 'fb_1');
    },
  ],
  [
    'batches that were settled since a time are found by it, and not worked on any more',
    async (store, other) => {
      await adopted(store, 'fb_1', 'fb_2');
      for (const [batchId, nowMs] of [
        ['fb_1', 2_000],
        ['fb_2', 3_000],
      ] as const) {
        await store.leaseBatch(lease('a', nowMs)); // oxlint-disable-line no-await-in-loop -- one after the other
        const batch = sampleBatch({ batchId, stage: 'settled', nextAtMs: 0, endedAtMs: 1_500 });
        await store.saveBatch(batch, lease('a', nowMs + 1), false); // oxlint-disable-line no-await-in-loop -- one after the other
      }
      deepEqual(await bookedIds(other, { settledSinceMs: 2_001 }), ['fb_1', 'fb_2']);
      deepEqual(await bookedIds(other, { settledSinceMs: 2_002 }), ['fb_2']);
      deepEqual(await bookedIds(other, { settledSinceMs: 3_002 }), []);
      deepEqual(await bookedIds(other, { settledSinceMs: 0, run: 'run' }), []);
      deepEqual(await bookedIds(other, {}), []);
      equal(await other.leaseBatch(lease('b', 1e9)), undefined);
    },
  ],
  [
    'a cancelled batch is due at once, and who works on it can neither undo nor delay that',
    async (store, other) => {
      await adopted(store, 'fb_1', 'fb_2');
      const batch = sampleBatch(await store.leaseBatch(lease('a', 2_000)));
      await other.cancelBatches(['fb_1', 'unknown'], 2_100);
      equal(await store.saveBatch({ ...batch, nextAtMs: 99_000, failures: 2 }, lease('a', 2_200), false), true);
      deepEqual(await batchIn(store, 'fb_1'), { ...batch, isCancelled: true, nextAtMs: 2_000, failures: 2 });
      const cancelled = sampleBatch(await other.leaseBatch(lease('b', 2_200)));
      deepEqual([cancelled.batchId, cancelled.isCancelled], ['fb_1', true]);
      equal(await other.saveBatch({ ...cancelled, nextAtMs: 99_000 }, lease('b', 2_200), false), true);
      equal((await batchIn(store, 'fb_1')).nextAtMs, 99_000);
      equal((await batchIn(store, 'fb_2')).isCancelled, false);
      await other.cancelBatches(['fb_1'], 2_300);
      equal((await batchIn(store, 'fb_1')).nextAtMs, 2_300);
      await other.cancelBatches([], 2_300);
    },
  ],
  [
    'what is over is not cancelled',
    async (store) => {
      await adopted(store, 'fb_1');
      await store.leaseBatch(lease('a', 2_000));
      await store.saveBatch(sampleBatch({ batchId: 'fb_1', stage: 'settled' }), lease('a', 2_000), false);
      await store.cancelBatches(['fb_1'], 1_000);
      deepEqual(await batchIn(store, 'fb_1'), sampleBatch({ batchId: 'fb_1', stage: 'settled' }));
    },
  ],
  [
    'an adopted batch is there with its jobs, is due for anybody, and adopting it again changes nothing',
    async (store, other) => {
      const batch = sampleBatch({ stage: 'submitting', requests: 700, keyIndex: 1, submittingAtMs: 1_990 });
      const { batchId } = batch;
      const jobs = Array.from({ length: 700 }, (_, position) =>
        sampleJob({ callId: `call_${position}`, position }, { state: 'batched', batchId, batches: 1 }),
      );
      await store.adopt(batch, jobs);
      deepEqual(await other.batches({}), [batch]);
      equal((await listedIds(other, { batchId, states: ['batched'] })).length, 700);
      deepEqual(await jobIn(other, 'call_699'), jobs[699]);
      deepEqual(await other.queues(), []);
      deepEqual(await other.leaseBatch(lease('b', 2_000)), batch);
      await store.adopt({ ...batch, stage: 'settled' }, jobs);
      deepEqual(await other.batches({}), [batch]);
      equal(await store.leaseBatch(lease('c', 2_000)), undefined);
    },
  ],
];

/** Rules of batches: their leases, and the book of them. @internal */
export const BATCH_BOOK_RULES: readonly JobRule[] = [...LEASES, ...BOOK];
