import type { Jobs } from '../ports/job-store.ts';
import { BATCH_BOOK_RULES } from './batch-book-rules.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { JOB_QUEUE_RULES } from './job-queue-rules.ts';
import { JOB_STORE_RULES } from './job-store-rules.ts';

/**
 * The rules of a store of deferred calls, to be run one after the other by any test runner.
 * @param empty - two hands on the same data, as two processes have it, which hold nothing. They are asked for before each rule, and may be the same each
 * time once their data was deleted; whoever made them closes them.
 * @public
 */
export function jobStoreConformance(empty: () => Promise<readonly [Jobs, Jobs]>): readonly ConformanceCase[] {
  return [...JOB_STORE_RULES, ...JOB_QUEUE_RULES, ...BATCH_BOOK_RULES].map(([name, check]) => ({
    name,
    run: async (): Promise<void> => {
      const [store, other] = await empty();
      await check(store, other);
    },
  }));
}
