import { expect, test } from 'vitest';
import { OPENAI_BATCH_LIMITS } from '../../providers/batch/openai-batch-api.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { MemoryJobStore } from '../../stores/memory/memory-job-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleJob } from '../../testing/sample-jobs.ts';
import { BATCH_WORK_DEFAULTS, type BatchParts } from './batch-parts.ts';
import { EnqueuedLimits } from './enqueued-limits.ts';
import { formBatches } from './form-batches.ts';

test('no batch of embeddings has more inputs in all its requests than its provider takes', async () => {
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  const counts = Array.from({ length: 90 }, (_, index) => [1, 1500, 2048][index % 3] as number);
  await jobs.add(
    counts.map((inputs, index) =>
      sampleJob({ callId: `call_${index}`, endpoint: 'embeddings', target: 'openai/text-embedding-3-small', inputs }),
    ),
  );
  const parts = {
    jobs,
    clock,
    random: seededRandom(1),
    workerId: 'worker_1',
    settings: BATCH_WORK_DEFAULTS,
    enqueued: new EnqueuedLimits(),
    providerOf: () => ({ api: { limits: OPENAI_BATCH_LIMITS } }),
  } as unknown as BatchParts;
  await formBatches(parts, () => 'filled');
  const batches = await jobs.batches({});
  const formed = await Promise.all(batches.map(({ batchId }) => jobs.list({ batchId, limit: 1000 })));
  const inputs = formed.map((page) => page.reduce((sum, { call }) => sum + (call.inputs ?? 1), 0));
  expect(formed.flat().length).toBe(counts.length);
  expect(Math.max(...inputs)).toBeLessThanOrEqual(50_000);
  // Those with one input share a batch, the others are in as few as may be.
  expect(batches.length).toBe(1 + Math.ceil(60 / Math.floor(50_000 / 2048)));
});
