import { expect, test } from 'vitest';
import { startBulkStack } from '../support/bulk-stack.ts';

/** None on a machine that is free (`bench/batch-rate.bench.ts`); on one that is busy what a reply says of the limits is read late. */
const MAX_REFUSED = 2;

const prompts = (count: number): string[] => Array.from({ length: count }, (_, index) => `Question ${index}`);

test('of requests a minute that a provider lets through nearly all are used, and hardly any is refused', async () => {
  const { processor, upstream } = await startBulkStack({ rateLimits: { requestsPerMinute: 240 }, latencyRatio: 0.02 });
  const { summary } = await processor({ freeRatio: 0.02, concurrency: 32 }).process(prompts(243));
  expect(summary.answered).toBe(243);
  const use = upstream.rateLimitUse();
  expect(use.limitErrors).toBeLessThanOrEqual(MAX_REFUSED);
  expect(use.requestsUsedRatio).toBeGreaterThanOrEqual(0.95);
});

test('of tokens a minute that a provider lets through nearly all are used, and hardly any is refused', async () => {
  const rateLimits = { tokensPerMinute: 8000, counting: 'actual' } as const;
  const { processor, upstream } = await startBulkStack({ rateLimits, latencyRatio: 0.02 });
  const { summary } = await processor({ freeRatio: 0.02, concurrency: 32 }).process(prompts(300));
  expect(summary.answered).toBe(300);
  const use = upstream.rateLimitUse();
  expect(use.limitErrors).toBeLessThanOrEqual(MAX_REFUSED);
  expect(use.tokensUsedRatio).toBeGreaterThanOrEqual(0.95);
});
