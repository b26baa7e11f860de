import { expect, test } from 'vitest';
import { jobStoreConformance } from '../../testing/job-store-conformance.ts';
import { sampleBatch, sampleJob } from '../../testing/sample-jobs.ts';
import { MemoryJobStore } from './memory-job-store.ts';

// One process: both hands are on the same store.
const rules = jobStoreConformance(async () => {
  const store = new MemoryJobStore();
  return [store, store];
});

test.each(rules)('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});

test('the id of a batch is not given twice', async () => {
  const store = new MemoryJobStore();
  await store.add([sampleJob(), sampleJob({ callId: 'call_2' })]);
  const room = { maxRequests: 1, maxBytes: 1_000, maxInputTokens: 1_000, lineBytes: 0 };
  const lease = { workerId: 'a', nowMs: 2_000, leaseMs: 1_000 };
  await store.form(sampleBatch(), room, lease);
  await expect(store.form(sampleBatch(), room, lease)).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('what is closed holds nothing any more', async () => {
  const store = new MemoryJobStore();
  await store.add([sampleJob()]);
  await store.close();
  expect(await store.list({ limit: 5 })).toEqual([]);
  expect(await store.queues()).toEqual([]);
});
