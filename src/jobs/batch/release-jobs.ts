import { FarthingError } from '../../core/errors.ts';
import type { BatchParts } from './batch-parts.ts';
import { type BatchEnd, BatchEnds } from './batch-ends.ts';
import type { HeldBatch } from './held-batch.ts';
import { type JobFault, unansweredFault } from './job-result.ts';

/** Why jobs leave a batch without an answer. They cost nothing, but for those that are `unknown`. @internal */
export type ReleaseReason =
  /** They were never asked, since their batch was refused before it began: they wait again. */
  | { readonly kind: 'unasked' }
  /** Their batch was cancelled before it was sent. */
  | { readonly kind: 'cancelled' }
  /** Its rows are there, as many as the provider says that it has answered, and theirs is not among them: providers bill what they answer. */
  | { readonly kind: 'missing'; readonly outcome: string }
  /** The provider does not take them. */
  | { readonly kind: 'refused'; readonly message: string }
  /** They may have been answered, and billed: nobody can read their rows, or their batch is not known any more. */
  | { readonly kind: 'unknown'; readonly outcome: string };

/** Jobs that are let go at a time. */
const PAGE_JOBS = 500;

/** Lets jobs go that are still in a batch, each by its policy. @param leaves - how many, the first ones. @defaultValue all @internal */
export async function releaseJobs(
  held: HeldBatch,
  parts: BatchParts,
  reason: ReleaseReason,
  leaves: number = Number.POSITIVE_INFINITY,
): Promise<void> {
  const ends = new BatchEnds(parts);
  const { batchId } = held.batch;
  let left = leaves;
  while (left > 0) {
    // oxlint-disable-next-line no-await-in-loop -- each page is what the one before left
    const page = await parts.jobs.list({ batchId, limit: Math.min(PAGE_JOBS, left) });
    if (page.length === 0) return;
    // oxlint-disable-next-line no-await-in-loop
    await ends.take(
      held.batch,
      page.map(({ call }) => endOf(call.callId, reason)),
    );
    left -= page.length;
    // oxlint-disable-next-line no-await-in-loop
    await held.renew();
  }
}

function endOf(callId: string, reason: ReleaseReason): BatchEnd {
  const { kind } = reason;
  const isUnknown = kind === 'unknown';
  const mayRetry = kind !== 'refused' && !isUnknown;
  return { callId, kind: 'none', fault: faultOf(reason), mayRetry, isUnasked: kind === 'unasked', isUnknown };
}

function faultOf(reason: ReleaseReason): JobFault {
  switch (reason.kind) {
    case 'unasked':
      return unansweredFault('unasked');
    case 'cancelled':
      return unansweredFault('cancelled');
    case 'missing':
    case 'unknown':
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
