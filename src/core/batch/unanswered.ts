import type { Job, UnansweredPolicy } from '../model/deferred-call.ts';

/** What is known when a batch comes back without a job's answer. @public */
export interface UnansweredFacts {
  /** Whether somebody asked for the batch to be cancelled. */
  readonly isCancelled: boolean;
  /** Whether asking the same again in a batch may help: it did not fail for good. */
  readonly mayRetry: boolean;
  /** In how many batches a job may be. */
  readonly maxBatches: number;
  /** Whether a further batch is worth it in the time that is left to a job with a deadline. */
  readonly isBatchWorthIt: boolean;
}

/**
 * What is done with a job that its batch did not answer. A call with a deadline is never left to fail while it can be asked live; nor is a call of a gateway's
 * client, who was promised an answer. The jobs of a run are done with as its owner said, and never at the live price unless he said so.
 * @public
 */
export function afterUnanswered({ call, batches }: Job, facts: UnansweredFacts): UnansweredPolicy {
  const mayBatch = facts.mayRetry && batches < facts.maxBatches;
  // A client's own batch: he sees what was not answered, and decides himself.
  if (call.customId !== undefined) return 'fail';
  if (call.run !== '' && facts.isCancelled) return 'fail';
  if (call.deadlineAtMs !== undefined) return mayBatch && facts.isBatchWorthIt ? 'batch' : 'live';
  if (call.run === '') return mayBatch ? 'batch' : 'live';
  const policy = call.onUnanswered ?? 'batch';
  return policy === 'batch' && !mayBatch ? 'fail' : policy;
}
