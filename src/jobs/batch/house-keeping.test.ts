import { expect, test } from 'vitest';
import { MemoryJobStore } from '../../stores/memory/memory-job-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleJob, sampleJobResult } from '../../testing/sample-jobs.ts';
import { BATCH_WORK_DEFAULTS } from './batch-parts.ts';
import { forgetOld } from './house-keeping.ts';

test('old calls are forgotten however many that must stay came before them', async () => {
  const [jobs, clock] = [new MemoryJobStore(), new FakeClock()];
  const result = sampleJobResult({ finishedAtMs: clock.nowMs() - BATCH_WORK_DEFAULTS.retentionMs });
  const done = (callId: string, batchId: string | undefined): ReturnType<typeof sampleJob> =>
    sampleJob({ callId }, { state: 'done', result, batchId });
  // Their batch is not over: what they cost is not known yet.
  await jobs.add(Array.from({ length: 700 }, (_, number) => done(`call_a${number}`, 'fb_1')));
  await jobs.add(Array.from({ length: 700 }, (_, number) => done(`call_b${number}`, undefined)));
  await forgetOld({ jobs, clock, settings: BATCH_WORK_DEFAULTS });
  const left = await jobs.list({ limit: 10_000 });
  expect(left.length).toBe(700);
  expect(left.every(({ batchId }) => batchId === 'fb_1')).toBe(true);
});
