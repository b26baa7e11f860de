import type { Job } from '../../core/model/deferred-call.ts';
import type { JobQuery } from '../../ports/job-store.ts';

/** A job as a store in memory holds it: the job changes, its place does not. @internal */
export interface ShelvedJob {
  job: Job;
  /** Of the body as it is sent. */
  readonly sizeBytes: number;
  /** Tells which of two jobs was added first. */
  readonly sequence: number;
}

/** Jobs in the order of `position`, then of call ids. Sorted when they are read, since they are mostly added in that order. @internal */
export class JobShelf {
  readonly #jobs = new Set<ShelvedJob>();
  #sorted: readonly ShelvedJob[] | undefined;

  add(job: ShelvedJob): void {
    if (this.#jobs.has(job)) return;
    this.#jobs.add(job);
    this.#sorted = undefined;
  }

  /** Leaves the order as it is, so that a shelf that is emptied page by page is not sorted for each page. */
  remove(job: ShelvedJob): void {
    this.#jobs.delete(job);
    if (this.#jobs.size === 0) this.#sorted = undefined;
  }

  /** Up to `limit` jobs behind a place that pass the test. */
  page(after: JobQuery['after'], limit: number, isWanted: (job: Job) => boolean): readonly Job[] {
    const sorted = (this.#sorted ??= [...this.#jobs].toSorted(inOrder));
    const found: Job[] = [];
    for (let index = firstBehind(sorted, after); index < sorted.length && found.length < limit; index += 1) {
      const shelved = sorted[index];
      if (shelved !== undefined && this.#jobs.has(shelved) && isWanted(shelved.job)) found.push(shelved.job);
    }
    return found;
  }
}

function inOrder(left: ShelvedJob, right: ShelvedJob): number {
  return compared(left.job.call, right.job.call);
}

function compared(left: NonNullable<JobQuery['after']>, right: NonNullable<JobQuery['after']>): number {
  if (left.position !== right.position) return left.position - right.position;
  if (left.callId === right.callId) return 0;
  return left.callId < right.callId ? -1 : 1;
}

/** The index of the first job behind a place, by halving. */
function firstBehind(sorted: readonly ShelvedJob[], after: JobQuery['after']): number {
  if (after === undefined) return 0;
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const shelved = sorted[middle];
    if (shelved !== undefined && compared(shelved.job.call, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
