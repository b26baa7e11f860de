import { deepEqual, equal } from 'node:assert/strict';
import type { Job, JobState } from '../core/model/deferred-call.ts';
import { nanoUsd } from '../core/money.ts';
import type { JobQuery, Jobs } from '../ports/job-store.ts';
import { sampleJob, sampleJobResult } from './sample-jobs.ts';
import { sampleCallRecord } from './sample-ledger-rows.ts';

/** A rule of deferred calls: two hands on the same data, as two processes have it, which hold nothing yet. @internal */
export type JobRule = readonly [rule: string, check: (store: Jobs, other: Jobs) => Promise<void>];

/** The job of an id as a store has it. @internal */
export async function jobIn(store: Jobs, callId: string): Promise<Job> {
  const [job] = await store.read([callId]);
  if (job === undefined) throw new Error(`${callId} is not there`);
  return job;
}

/** Ids of the jobs that a query finds. @internal */
export async function listedIds(store: Jobs, query: Partial<JobQuery>): Promise<readonly string[]> {
  const jobs = await store.list({ limit: 1_000, ...query });
  return jobs.map(({ call }) => call.callId);
}

/** All fields that may be missing are there, with what is hard to keep: text of all planes, quotes, a NUL, the largest amounts. */
const FULL_JOB: Job = sampleJob(
  {
    callId: 'call_full',
    run: 'run "ü" \u{1F600}',
    position: Number.MAX_SAFE_INTEGER,
    tags: { user: '名前', 'a\u0000b': '' },
    query: 'a=1&b=%20',
    headers: { 'anthropic-beta': 'x,y' },
    body: '{"content":"Grüße 你好 \u{1F680} \u2028 \\u0000 \'\\"; DROP TABLE jobs"}',
    sentBody: '{"content":"\u{10FFFF}"}',
    route: { route: 'cheap', reason: 'score', score: 0.25, policyVersion: '1' },
    removed: [{ atRatio: 0.125, tokens: 12 }],
    decisions: [{ step: 'optimise', verdict: 'cut', effectNanoUsd: nanoUsd(-3) }],
    cacheKey: 'key',
    boundNanoUsd: nanoUsd(Number.MAX_SAFE_INTEGER),
    inputTokens: 2 ** 40,
    deadlineAtMs: 4_102_444_800_000,
    webhookUrl: 'https://example.com/hook?a=1',
  },
  {
    state: 'done',
    version: 7,
    attempts: 3,
    batchId: 'fb_00000000000000aa',
    liveAtMs: 4_102_444_800_001,
    liveTier: 'flex',
    batches: 2,
    leaseUntilMs: 4_102_444_800_002,
    result: sampleJobResult({
      body: '{"content":"ß\u{1F600}"}',
      record: sampleCallRecord({ costNanoUsd: nanoUsd(Number.MAX_SAFE_INTEGER), target: undefined }),
    }),
    toldAtMs: 4_102_444_800_003,
  },
);

const KEEPING: readonly JobRule[] = [
  [
    'jobs come back as they were added, with everything and with as little as there can be',
    async (store, other) => {
      const jobs = [FULL_JOB, sampleJob(), sampleJob({ callId: 'call_2', body: '' }, { state: 'accepting' })];
      await store.add(jobs);
      for (const job of jobs) deepEqual(await jobIn(other, job.call.callId), job); // oxlint-disable-line no-await-in-loop -- one at a time
      deepEqual(await other.list({ run: FULL_JOB.call.run, limit: 5 }), [FULL_JOB]);
    },
  ],
  [
    'a call that is there already stays as it is',
    async (store, other) => {
      await store.add([sampleJob()]);
      await other.add([sampleJob({ body: '{"other":1}', run: 'other' }), sampleJob({ callId: 'call_2' })]);
      deepEqual(await jobIn(store, 'call_1'), sampleJob());
      deepEqual(await listedIds(other, { run: 'other' }), []);
      const [summary] = await store.queues();
      equal(summary?.jobs, 2);
    },
  ],
  [
    'many jobs are read by their ids, each once, whatever is asked for twice or not there',
    async (store) => {
      const ids = Array.from({ length: 700 }, (_, index) => `call_${index}`);
      await store.add(ids.map((callId, position) => sampleJob({ callId, position })));
      const found = await store.read([...ids, ...ids, 'unknown']);
      deepEqual(found.map(({ call }) => call.callId).toSorted(), ids.toSorted());
      deepEqual(await store.read([]), []);
      await store.add([]);
    },
  ],
  [
    'what is removed is gone, and may be added anew',
    async (store, other) => {
      await store.add([sampleJob(), sampleJob({ callId: 'call_2' }, { liveAtMs: 1 })]);
      await other.remove(['call_2', 'unknown']);
      await other.remove([]);
      deepEqual(await listedIds(store, {}), ['call_1']);
      deepEqual(await store.read(['call_2']), []);
      equal((await store.queues())[0]?.jobs, 1);
      deepEqual(await store.leaseLive({ workerId: 'a', nowMs: 5_000, leaseMs: 10 }, 5), []);
      await store.add([sampleJob({ callId: 'call_2', body: '{}' })]);
      equal((await jobIn(other, 'call_2')).call.body, '{}');
    },
  ],
];

const STATES: readonly JobState[] = ['accepting', 'waiting', 'batched', 'live', 'done'];

const LISTS: readonly JobRule[] = [
  [
    'a list is in the order of positions, then of call ids, and goes on behind a place',
    async (store, other) => {
      const places = [
        [2, 'b'],
        [0, 'z'],
        [2, 'a'],
        [10, 'c'],
        [1, 'd'],
      ] as const;
      await store.add(places.map(([position, callId]) => sampleJob({ callId, position, run: 'run' })));
      await store.add([sampleJob({ callId: 'foreign', run: 'other' })]);
      deepEqual(await listedIds(other, { run: 'run' }), ['z', 'd', 'a', 'b', 'c']);
      deepEqual(await listedIds(other, { run: 'run', limit: 2 }), ['z', 'd']);
      deepEqual(await listedIds(other, { run: 'run', limit: 2, after: { position: 1, callId: 'd' } }), ['a', 'b']);
      deepEqual(await listedIds(other, { run: 'run', after: { position: 2, callId: 'a' } }), ['b', 'c']);
      deepEqual(await listedIds(other, { run: 'run', after: { position: 10, callId: 'c' } }), []);
      deepEqual(await listedIds(other, { run: 'run', after: { position: 3, callId: '' } }), ['c']);
      deepEqual(await listedIds(other, { limit: 3 }), ['foreign', 'z', 'd']);
      deepEqual(await listedIds(other, { limit: 0 }), []);
    },
  ],
  [
    'a list has the jobs of the run, the batch and the states that are asked for',
    async (store) => {
      const jobs = STATES.flatMap((state, position) => [
        sampleJob({ callId: `one-${state}`, run: 'one', position }, { state, batchId: 'fb_1' }),
        sampleJob({ callId: `two-${state}`, run: 'two', position }, { state, batchId: undefined }),
      ]);
      await store.add(jobs);
      deepEqual(await listedIds(store, { run: 'two', states: ['live', 'waiting'] }), ['two-waiting', 'two-live']);
      deepEqual(await listedIds(store, { batchId: 'fb_1', states: ['done', 'batched'] }), ['one-batched', 'one-done']);
      deepEqual(await listedIds(store, { batchId: 'fb_1', run: 'two' }), []);
      deepEqual(await listedIds(store, { states: ['accepting'] }), ['one-accepting', 'two-accepting']);
      deepEqual(await listedIds(store, { states: [] }), []);
      deepEqual(await listedIds(store, { run: '' }), []);
      const after = { position: 3, callId: 'one-live' };
      deepEqual(await listedIds(store, { after }), ['two-live', 'one-done', 'two-done']);
      deepEqual(await listedIds(store, { run: 'one', states: ['done', 'live'], after, limit: 1 }), ['one-done']);
    },
  ],
  [
    'a batch of many jobs is listed page by page, each job once, while jobs leave it',
    async (store, other) => {
      const ids = Array.from({ length: 1_200 }, (_, index) => `call_${index}`);
      await store.add(
        ids.map((callId, position) => sampleJob({ callId, position }, { state: 'batched', batchId: 'fb_1' })),
      );
      const seen: string[] = [];
      let after: JobQuery['after'];
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- pages follow each other
        const page = await other.list({ batchId: 'fb_1', limit: 500, ...(after === undefined ? {} : { after }) });
        const last = page.at(-1)?.call;
        if (last === undefined) break;
        seen.push(...page.map(({ call }) => call.callId));
        after = { position: last.position, callId: last.callId };
        const set = { state: 'waiting', batchId: undefined } as const;
        // oxlint-disable-next-line no-await-in-loop -- pages follow each other
        await store.update(page.map(({ call, version }) => ({ callId: call.callId, version, set })));
      }
      deepEqual(seen, ids);
      deepEqual(await listedIds(store, { batchId: 'fb_1' }), []);
    },
  ],
  [
    'untold are the jobs that are done whose client asked to be told and has not been',
    async (store, other) => {
      const webhookUrl = 'https://example.com/hook';
      const done = { state: 'done', result: sampleJobResult() } as const;
      await store.add([
        sampleJob({ callId: 'untold', webhookUrl }, done),
        sampleJob({ callId: 'told', webhookUrl }, { ...done, toldAtMs: 5 }),
        sampleJob({ callId: 'unasked' }, done),
        sampleJob({ callId: 'open', webhookUrl }),
      ]);
      deepEqual(await listedIds(other, { isUntold: true }), ['untold']);
      deepEqual(await listedIds(other, { isUntold: true, run: '', states: ['done'] }), ['untold']);
      deepEqual(await listedIds(other, { isUntold: true, states: ['waiting'] }), []);
      equal((await listedIds(other, { isUntold: false })).length, 4);
      await store.update([{ callId: 'untold', version: 1, set: { toldAtMs: 6 } }]);
      deepEqual(await listedIds(other, { isUntold: true }), []);
    },
  ],
];

function isClose(time: number | undefined, wanted: number): boolean {
  return Math.abs((time ?? 0) - wanted) < 1;
}

const CHANGES: readonly JobRule[] = [
  [
    'a change sets what it names, undefined too, and leaves the rest',
    async (store, other) => {
      await store.add([sampleJob({}, { batchId: 'fb_1', liveAtMs: 50, toldAtMs: 3, attempts: 2, batches: 1 })]);
      const first = { state: 'live', attempts: 3, liveTier: 'flex', leaseUntilMs: 70 } as const;
      deepEqual(await other.update([{ callId: 'call_1', version: 1, set: first }]), [true]);
      const kept = { batchId: 'fb_1', liveAtMs: 50, toldAtMs: 3, batches: 1 };
      deepEqual(await jobIn(store, 'call_1'), sampleJob({}, { ...kept, ...first, version: 2 }));
      const second = { batchId: undefined, liveAtMs: undefined, toldAtMs: undefined, leaseUntilMs: 0 };
      deepEqual(await other.update([{ callId: 'call_1', version: 2, set: second }]), [true]);
      deepEqual(await jobIn(store, 'call_1'), sampleJob({}, { ...first, ...second, batches: 1, version: 3 }));
      const result = sampleJobResult();
      await other.update([{ callId: 'call_1', version: 3, set: { state: 'done', result } }]);
      await other.update([{ callId: 'call_1', version: 4, set: { liveAtMs: 7 } }]);
      deepEqual((await jobIn(store, 'call_1')).result, result);
      deepEqual((await jobIn(store, 'call_1')).liveAtMs, 7);
    },
  ],
  [
    'a time with a fraction is kept to the millisecond',
    async (store, other) => {
      await store.add([sampleJob({ atMs: 999.5 }, { liveAtMs: 100.25, leaseUntilMs: 0.5, toldAtMs: 2.5 })]);
      const added = await jobIn(other, 'call_1');
      equal(isClose(added.liveAtMs, 100.25) && isClose(added.leaseUntilMs, 0.5) && isClose(added.toldAtMs, 2.5), true);
      await store.update([{ callId: 'call_1', version: 1, set: { liveAtMs: 7.75, leaseUntilMs: 8.5, toldAtMs: 9.5 } }]);
      equal(isClose((await jobIn(other, 'call_1')).liveAtMs, 7.75), true);
      const [leased] = await store.leaseLive({ workerId: 'a', nowMs: 50.5, leaseMs: 10.25 }, 1);
      equal(isClose(leased?.leaseUntilMs, 60.75), true);
    },
  ],
  [
    'a change of a version that does not hold any more is not made, and those beside it are',
    async (store, other) => {
      await store.add([sampleJob(), sampleJob({ callId: 'call_2' }), sampleJob({ callId: 'call_3' })]);
      const result = sampleJobResult();
      const made = await store.update([
        { callId: 'call_1', version: 2, set: { state: 'done', result } },
        { callId: 'call_2', version: 1, set: { attempts: 5 } },
        { callId: 'unknown', version: 1, set: { attempts: 5 } },
        { callId: 'call_2', version: 2, set: { attempts: 6 } },
        { callId: 'call_3', version: 1, set: {} },
      ]);
      deepEqual(made, [false, true, false, true, true]);
      deepEqual(await jobIn(other, 'call_1'), sampleJob());
      deepEqual(await jobIn(other, 'call_2'), sampleJob({ callId: 'call_2' }, { attempts: 6, version: 3 }));
      deepEqual(await jobIn(other, 'call_3'), sampleJob({ callId: 'call_3' }, { version: 2 }));
      deepEqual(await store.update([]), []);
    },
  ],
  [
    'of changes to the same version that are made at once exactly one is made',
    async (store, other) => {
      await store.add([sampleJob()]);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : other).update([{ callId: 'call_1', version: 1, set: { attempts: 10 + index } }]),
        ),
      );
      const winners = answers.flatMap(([isMade], index) => (isMade === true ? [index] : []));
      equal(winners.length, 1);
      deepEqual(await jobIn(store, 'call_1'), sampleJob({}, { attempts: 10 + (winners[0] ?? 0), version: 2 }));
    },
  ],
];

/** Rules of keeping, listing and changing jobs. @internal */
export const JOB_STORE_RULES: readonly JobRule[] = [...KEEPING, ...LISTS, ...CHANGES];
