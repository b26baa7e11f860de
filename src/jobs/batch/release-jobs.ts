import { FarthingError } from '../../core/errors.ts';
import type { BatchParts } from './batch-parts.ts';
import { type BatchEnd, BatchEnds } from './batch-ends.ts';
import type { HeldBatch } from './held-batch.ts';
import { type JobFault, unansweredFault } from './job-result.ts';

/** Why jobs leave a batch without an answer. @internal */
export type ReleaseReason =
  /** They were never asked: they wait again. */
  | { readonly kind: 'unasked' }
  | { readonly kind: 'cancelled' }
  /** Its rows are there, and theirs is not among them. */
  | { readonly kind: 'missing'; readonly outcome: string }
  /** The provider does not take them. */
  | { readonly kind: 'refused'; readonly message: string };

/** Jobs that are let go at a time. */
const PAGE_JOBS = 500;

/** Lets all jobs go that are still in a batch, each by its policy. @internal */
export async function releaseJobs(held: HeldBatch, parts: BatchParts, reason: ReleaseReason): Promise<void> {
  const ends = new BatchEnds(parts);
  const { batchId } = held.batch;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each page is what the one before left
    const page = await parts.jobs.list({ batchId, limit: PAGE_JOBS });
    if (page.length === 0) return;
    // oxlint-disable-next-line no-await-in-loop
    await ends.take(
      held.batch,
      page.map(({ call }) => endOf(call.callId, reason)),
    );
    // oxlint-disable-next-line no-await-in-loop
    await held.renew();
  }
}

function endOf(callId: string, reason: ReleaseReason): BatchEnd {
  const isUnasked = reason.kind === 'unasked';
  return { callId, kind: 'none', fault: faultOf(reason), mayRetry: reason.kind !== 'refused', isUnasked };
}

function faultOf(reason: ReleaseReason): JobFault {
  switch (reason.kind) {
    case 'unasked':
      return unansweredFault('unasked');
    case 'cancelled':
      return unansweredFault('cancelled');
    case 'missing':
      return unansweredFault(reason.outcome);
    case 'refused':
      return {
        outcome: 'batch-refused',
        error: new FarthingError('provider-failed', `the provider did not take the batch: ${reason.message}`, {
          status: 400,
        }),
      };
  }
}
