import { customIdOf } from '../../core/model/provider-batch.ts';
import type { Job } from '../../core/model/deferred-call.ts';
import type { BatchLine, BatchShipment } from '../../ports/batch-api.ts';
import type { Jobs, JobQuery } from '../../ports/job-store.ts';
import type { HeldBatch } from './held-batch.ts';

/** Jobs that are read at a time. Ours: bodies of a few kilobytes each make megabytes. */
const PAGE_JOBS = 500;

/** Jobs page by page, in the order of `position` and call ids. @internal */
export async function* jobPages(
  jobs: Pick<Jobs, 'list'>,
  query: Omit<JobQuery, 'limit' | 'after'>,
): AsyncGenerator<readonly Job[]> {
  let after: JobQuery['after'];
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ends
    const page = await jobs.list({ ...query, ...(after && { after }), limit: PAGE_JOBS });
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_JOBS) return;
    after = { position: last.call.position, callId: last.call.callId };
  }
}

/**
 * What is sent of a batch: all jobs that it was formed with, whatever has become of them meanwhile, in one order. So it is the same each time it is made: its
 * number of lines tells it from others, and what a provider says of a line can be told to its job.
 * @internal
 */
export function shipmentOf(
  { batch, facts }: Pick<HeldBatch, 'batch' | 'facts'>,
  jobs: Pick<Jobs, 'list'>,
): BatchShipment {
  const { batchId, keyIndex, requests } = batch;
  return {
    batchId,
    endpoint: facts.endpoint,
    headers: facts.headers,
    keyIndex,
    requests,
    async *lines(): AsyncGenerator<BatchLine> {
      for await (const page of jobPages(jobs, { batchId })) {
        for (const { call } of page) {
          const customId = call.customId ?? customIdOf(batchId, call.callId);
          yield { customId, body: call.sentBody ?? call.body };
        }
      }
    },
  };
}
