import { deepEqual, equal, notEqual } from 'node:assert/strict';
import { type Job, queueOf } from '../core/model/deferred-call.ts';
import type { BatchRoom, Jobs, WorkLease } from '../ports/job-store.ts';
import { jobIn, type JobRule, listedIds } from './job-store-rules.ts';
import { sampleBatch, sampleDeferredCall, sampleJob } from './sample-jobs.ts';

const ROOM: BatchRoom = { maxRequests: 1_000, maxBytes: 1e9, maxInputTokens: 1e9, lineBytes: 0 };

function lease(workerId: string, nowMs: number, leaseMs = 1_000): WorkLease {
  return { workerId, nowMs, leaseMs };
}

/** So many waiting jobs `call_0`, `call_1`, each a millisecond younger than the one before. */
function waitingJobs(count: number, fields: Partial<Omit<Job, 'call'>> = {}): readonly Job[] {
  return Array.from({ length: count }, (_, position) =>
    sampleJob({ callId: `call_${position}`, position, atMs: 1_000 + position, body: 'ab', inputTokens: 10 }, fields),
  );
}

/** Makes a batch of all that waits. */
async function formed(store: Jobs, batchId: string, workerId = 'a', nowMs = 2_000): Promise<void> {
  const batch = await store.form(sampleBatch({ batchId, nextAtMs: nowMs }), ROOM, lease(workerId, nowMs));
  notEqual(batch, undefined);
}

const QUEUES: readonly JobRule[] = [
  [
    'queues tell what waits by queue and run: how much, how old, and whose hour comes first',
    async (store, other) => {
      const elsewhere = { target: 'anthropic/claude', endpoint: 'messages' } as const;
      await store.add([
        sampleJob({ callId: 'a', atMs: 30, body: 'äö', inputTokens: 5 }, { liveAtMs: 900 }),
        sampleJob({ callId: 'b', atMs: 20, body: 'long', sentBody: 'x', inputTokens: 6 }, { liveAtMs: 800 }),
        sampleJob({ callId: 'c', atMs: 10 }, { state: 'accepting' }),
        sampleJob({ callId: 'd', atMs: 10 }, { state: 'done', liveAtMs: 1 }),
        sampleJob({ callId: 'e', run: 'run', atMs: 40, body: '1', inputTokens: 7 }),
        sampleJob({ ...elsewhere, callId: 'f', atMs: 50, body: '12', inputTokens: 8 }),
      ]);
      const queue = queueOf(sampleDeferredCall());
      const rest = { earliestLiveAtMs: undefined };
      deepEqual(
        (await other.queues()).toSorted((left, right) => left.oldestAtMs - right.oldestAtMs),
        [
          { queue, run: '', jobs: 2, sizeBytes: 5, inputTokens: 11, oldestAtMs: 20, earliestLiveAtMs: 800 },
          { queue, run: 'run', jobs: 1, sizeBytes: 1, inputTokens: 7, oldestAtMs: 40, ...rest },
          {
            queue: queueOf(sampleDeferredCall(elsewhere)),
            run: '',
            jobs: 1,
            sizeBytes: 2,
            inputTokens: 8,
            oldestAtMs: 50,
            ...rest,
          },
        ],
      );
    },
  ],
  [
    'a batch takes none whose hour has come: it is asked live, and would be paid twice',
    async (store, other) => {
      await store.add([
        sampleJob({ callId: 'due', atMs: 1 }, { liveAtMs: 2_000 }),
        sampleJob({ callId: 'later', atMs: 2 }, { liveAtMs: 2_001 }),
        sampleJob({ callId: 'any', atMs: 3 }),
      ]);
      const batch = await other.form(sampleBatch({ batchId: 'fb_1' }), ROOM, lease('a', 2_000));
      equal(batch?.requests, 2);
      deepEqual(
        (await store.leaseLive(lease('b', 2_000), 9)).map(({ call }) => call.callId),
        ['due'],
      );
      equal(await store.form(sampleBatch({ batchId: 'fb_2' }), ROOM, lease('a', 3_000)), undefined);
    },
  ],
  [
    'queues follow every change, and an empty one is not told',
    async (store, other) => {
      await store.add([...waitingJobs(2), sampleJob({ callId: 'late', atMs: 5 }, { state: 'accepting' })]);
      await store.update([{ callId: 'late', version: 1, set: { state: 'waiting', liveAtMs: 77 } }]);
      const late = Buffer.byteLength(sampleDeferredCall().body);
      const [all] = await other.queues();
      deepEqual([all?.jobs, all?.sizeBytes, all?.oldestAtMs, all?.earliestLiveAtMs], [3, late + 4, 5, 77]);
      await store.update([{ callId: 'late', version: 2, set: { state: 'live' } }]);
      const [two] = await other.queues();
      deepEqual([two?.jobs, two?.sizeBytes, two?.earliestLiveAtMs], [2, 4, undefined]);
      await store.remove(['call_0']);
      equal((await other.queues())[0]?.oldestAtMs, 1_001);
      await formed(other, 'fb_1');
      deepEqual(await store.queues(), []);
    },
  ],
];

const FORMING: readonly JobRule[] = [
  [
    'a batch takes the oldest that fit by number, bytes with their lines, and tokens',
    async (store, other) => {
      await store.add(waitingJobs(10).toReversed());
      const take = async (batchId: string, room: Partial<BatchRoom>): Promise<readonly unknown[]> => {
        const batch = await store.form(sampleBatch({ batchId }), { ...ROOM, ...room }, lease('a', 2_000));
        return [batch?.requests, batch?.sizeBytes, batch?.inputTokens, await listedIds(other, { batchId })];
      };
      deepEqual(await take('fb_1', { maxRequests: 3 }), [3, 6, 30, ['call_0', 'call_1', 'call_2']]);
      deepEqual(await take('fb_2', { maxBytes: 13, lineBytes: 4 }), [2, 12, 20, ['call_3', 'call_4']]);
      deepEqual(await take('fb_3', { maxInputTokens: 20 }), [2, 4, 20, ['call_5', 'call_6']]);
      deepEqual(await take('fb_4', { maxBytes: 1, maxInputTokens: 1 }), [1, 2, 10, ['call_7']]);
      const endless = { maxRequests: Infinity, maxBytes: Infinity, maxInputTokens: Infinity };
      deepEqual(await take('fb_5', endless), [2, 4, 20, ['call_8', 'call_9']]);
      deepEqual(await take('fb_6', {}), [undefined, undefined, undefined, []]);
      deepEqual(await other.batches({ batchIds: ['fb_6'] }), []);
    },
  ],
  [
    'jobs in a batch are batched with its id and count it, and nothing else of them changes',
    async (store, other) => {
      const hour = { liveAtMs: 90_000, batches: 2, version: 4, attempts: 3 };
      await store.add([sampleJob({ sentBody: '{}' }, { ...hour, batchId: 'fb_0' })]);
      const batch = await store.form(sampleBatch({ batchId: 'fb_1' }), ROOM, lease('a', 2_000));
      deepEqual(batch, sampleBatch({ batchId: 'fb_1', requests: 1, sizeBytes: 2, inputTokens: 10 }));
      deepEqual(await other.batches({}), [batch]);
      deepEqual(
        await jobIn(other, 'call_1'),
        sampleJob({ sentBody: '{}' }, { ...hour, state: 'batched', batchId: 'fb_1', batches: 3, version: 5 }),
      );
    },
  ],
  [
    'a batch takes jobs of its own queue and run, and only those that wait',
    async (store) => {
      await store.add([
        sampleJob({ callId: 'mine' }),
        sampleJob({ callId: 'run', run: 'run' }),
        sampleJob({ callId: 'beta', headers: { 'anthropic-beta': 'x' } }),
        sampleJob({ callId: 'accepting' }, { state: 'accepting' }),
        sampleJob({ callId: 'live' }, { state: 'live' }),
      ]);
      await formed(store, 'fb_1');
      deepEqual(await listedIds(store, { batchId: 'fb_1' }), ['mine']);
      equal(await store.form(sampleBatch({ run: 'unknown' }), ROOM, lease('a', 2_000)), undefined);
      const [waiting] = await store.list({ run: 'run', limit: 1 });
      equal(waiting?.state, 'waiting');
    },
  ],
  [
    'workers that form at once never take the same job, and together take all',
    async (store, other) => {
      await store.add(waitingJobs(60));
      const batchIds = Array.from({ length: 12 }, (_, index) => `fb_${index}`);
      const room = { ...ROOM, maxRequests: 10 };
      const batches = await Promise.all(
        batchIds.map((batchId, index) =>
          (index % 2 === 0 ? store : other).form(sampleBatch({ batchId }), room, lease(batchId, 2_000)),
        ),
      );
      let left = 60 - batches.reduce((sum, batch) => sum + (batch?.requests ?? 0), 0);
      for (let round = 0; left > 0; round += 1) {
        const batch = sampleBatch({ batchId: `fb_more_${round}` });
        left -= (await store.form(batch, ROOM, lease('a', 2_000)))?.requests ?? 60; // oxlint-disable-line no-await-in-loop -- what was left
      }
      equal(left, 0);
      for (const batch of batches) {
        if (batch === undefined) continue;
        const jobs = await store.list({ batchId: batch.batchId, limit: 1_000 }); // oxlint-disable-line no-await-in-loop -- each on its own
        deepEqual([jobs.length, new Set(jobs.map(({ batches: count }) => count))], [batch.requests, new Set([1])]);
      }
    },
  ],
];

const LIVE: readonly JobRule[] = [
  [
    'jobs whose hour has come become live under a lease, the earliest first',
    async (store, other) => {
      await store.add([
        sampleJob({ callId: 'later' }, { liveAtMs: 300 }),
        sampleJob({ callId: 'early' }, { liveAtMs: 100, state: 'batched', batchId: 'fb_1', batches: 1 }),
        sampleJob({ callId: 'middle', body: '"ü"' }, { liveAtMs: 200, liveTier: 'flex' }),
        sampleJob({ callId: 'future' }, { liveAtMs: 5_001 }),
        sampleJob({ callId: 'never' }),
        sampleJob({ callId: 'accepting' }, { liveAtMs: 1, state: 'accepting' }),
        sampleJob({ callId: 'done' }, { liveAtMs: 1, state: 'done' }),
        sampleJob({ callId: 'asked' }, { liveAtMs: 1, state: 'live', leaseUntilMs: 5_001 }),
        sampleJob({ callId: 'lapsed' }, { liveAtMs: 250, state: 'live', leaseUntilMs: 5_000 }),
      ]);
      const first = await store.leaseLive(lease('a', 5_000), 2);
      const live = { state: 'live', leaseUntilMs: 6_000, version: 2 } as const;
      deepEqual(first, [
        sampleJob({ callId: 'early' }, { ...live, liveAtMs: 100, batchId: 'fb_1', batches: 1 }),
        sampleJob({ callId: 'middle', body: '"ü"' }, { ...live, liveAtMs: 200, liveTier: 'flex' }),
      ]);
      const second = await other.leaseLive(lease('b', 5_000), 10);
      deepEqual(
        second.map(({ call }) => call.callId),
        ['lapsed', 'later'],
      );
      deepEqual(await store.leaseLive(lease('a', 5_000), 10), []);
    },
  ],
  [
    'the lease of a worker that died is followed by another, and its late change is not made',
    async (store, other) => {
      await store.add([sampleJob({}, { liveAtMs: 100 })]);
      const [first] = await store.leaseLive(lease('a', 1_000), 1);
      deepEqual(await other.leaseLive(lease('b', 1_999), 1), []);
      const [second] = await other.leaseLive(lease('b', 2_000), 1);
      equal(second?.leaseUntilMs, 3_000);
      const late = { callId: 'call_1', version: first?.version ?? 0, set: { state: 'done' } } as const;
      deepEqual(await store.update([late]), [false]);
      deepEqual(await other.update([{ ...late, version: second?.version ?? 0 }]), [true]);
      deepEqual(await store.leaseLive(lease('a', 9_000), 1), []);
    },
  ],
  [
    'workers that look for calls at once never take the same one',
    async (store, other) => {
      await store.add(waitingJobs(40, { liveAtMs: 10 }));
      const taken: string[] = [];
      for (let round = 0; taken.length < 40 && round < 40; round += 1) {
        // oxlint-disable-next-line no-await-in-loop -- a worker that came off empty tries again
        const shares = await Promise.all(
          [store, other, store, other].map((each, index) => each.leaseLive(lease(`w${index}`, 100), 7)),
        );
        taken.push(...shares.flat().map(({ call }) => call.callId));
      }
      equal(taken.length, 40);
      equal(new Set(taken).size, 40);
    },
  ],
];

/** Rules of queues, of forming batches and of asking live. @internal */
export const JOB_QUEUE_RULES: readonly JobRule[] = [...QUEUES, ...FORMING, ...LIVE];
