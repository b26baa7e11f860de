import type { Job, JobResult, JobState, QueueName } from '../core/model/deferred-call.ts';
import type { ProviderBatch } from '../core/model/provider-batch.ts';

/** Which jobs are wanted. @public */
export interface JobQuery {
  readonly run?: string;
  readonly batchId?: string;
  readonly states?: readonly JobState[];
  /** Of jobs that are done: only those whose client was to be told and has not been. */
  readonly isUntold?: boolean;
  /** Only jobs behind this one, in the order of `position` and then of call ids. @defaultValue from the start */
  readonly after?: { readonly position: number; readonly callId: string };
  readonly limit: number;
}

/** What of a job is to change; what is not named stays. `undefined` is a value where the key is there. @public */
export interface JobChange {
  readonly callId: string;
  /** The change is made only while the job is of this version. */
  readonly version: number;
  readonly set: Partial<
    Pick<Job, 'state' | 'attempts' | 'batchId' | 'liveAtMs' | 'liveTier' | 'leaseUntilMs' | 'toldAtMs'>
  > & {
    readonly result?: JobResult;
  };
}

/**
 * Calls that are answered later, shared by all processes. What a method has resolved with is durable. Faults are thrown as `store-unavailable`, and
 * leave open whether the operation took place.
 * @public
 */
export interface JobStore {
  /** Adds jobs; those whose call id is there already stay as they are. */
  add(jobs: readonly Job[]): Promise<void>;
  /** Those of the ids that are there, in no order. */
  read(callIds: readonly string[]): Promise<readonly Job[]>;
  /** In the order of `position`, then of call ids. */
  list(query: JobQuery): Promise<readonly Job[]>;
  /** Makes each change whose version still holds, and says for each whether it was made. All in one commit. */
  update(changes: readonly JobChange[]): Promise<readonly boolean[]>;
  /** Forgets jobs. */
  remove(callIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** What waits in a queue of one run. @public */
export interface QueueSummary {
  readonly queue: QueueName;
  readonly run: string;
  readonly jobs: number;
  /** Bodies as they are sent. */
  readonly sizeBytes: number;
  readonly inputTokens: number;
  readonly oldestAtMs: number;
  /** The earliest `liveAtMs` among them; undefined: none has one. */
  readonly earliestLiveAtMs: number | undefined;
}

/** How much a batch may take. @public */
export interface BatchRoom {
  readonly maxRequests: number;
  /** Of the bodies, without what the lines around them take: `lineBytes` for each. */
  readonly maxBytes: number;
  readonly maxInputTokens: number;
  /** Bytes that each line takes beside its body. */
  readonly lineBytes: number;
}

/** Who works on something, and for how long nobody else may. @public */
export interface WorkLease {
  readonly workerId: string;
  readonly nowMs: number;
  readonly leaseMs: number;
}

/** Which batches are wanted. @public */
export interface BatchQuery {
  readonly run?: string;
  /** @defaultValue all that are neither settled nor abandoned */
  readonly batchIds?: readonly string[];
  /** Only batches settled since then, in Unix milliseconds: their durations teach. @defaultValue those under way */
  readonly settledSinceMs?: number;
}

/**
 * What several workers share out among themselves: jobs that wait, batches that are due, calls whose hour has come. Each thing has one worker at a time;
 * one that dies is followed by another when its lease ends.
 * @public
 */
export interface JobQueue {
  /** What is `waiting`, by queue and run; jobs are never mixed over runs. */
  queues(): Promise<readonly QueueSummary[]>;
  /**
   * Makes a batch of the oldest waiting jobs of `batch.queue` and `batch.run` that fit (at least one, whatever its size), leased to the worker. Those whose `liveAtMs` is past are left to
   * `leaseLive`: they would be asked twice. The others are `batched` with its id, their `batches` is
   * one more, and the batch gets their number and sizes. Undefined: none waited. All in one commit; no two workers take the same job.
   */
  form(batch: ProviderBatch, room: BatchRoom, lease: WorkLease): Promise<ProviderBatch | undefined>;
  /** Leases the batch that has been due longest (`nextAtMs` is past, no lease on it runs), if any. */
  leaseBatch(lease: WorkLease): Promise<ProviderBatch | undefined>;
  /**
   * Writes a batch while the worker's lease on it runs; false when it has lost it, and nothing is written.
   * @param keepsLease - whether the worker goes on with it, with its lease renewed; else it is given back.
   */
  saveBatch(batch: ProviderBatch, lease: WorkLease, keepsLease: boolean): Promise<boolean>;
  /**
   * Leases jobs whose `liveAtMs` is past, that are `waiting`, `batched`, or `live` with a lease that has lapsed: they become `live` under the worker's lease. Earliest first.
   */
  leaseLive(lease: WorkLease, limit: number): Promise<readonly Job[]>;
}

/** Batches, to be shown and cancelled. @public */
export interface BatchBook {
  /** In the order in which they were formed. */
  batches(query: BatchQuery): Promise<readonly ProviderBatch[]>;
  /** Notes that batches are to be cancelled, whoever works on them, and makes them due at once. */
  cancelBatches(batchIds: readonly string[], nowMs: number): Promise<void>;
  /**
   * Adds a batch that a client has made himself, with jobs that are `batched` in it already. One commit.
   * @param lease - whose it is from the beginning. Undefined: nobody's.
   */
  adopt(batch: ProviderBatch, jobs: readonly Job[], lease?: WorkLease): Promise<void>;
}

/** All that is kept of deferred calls. @public */
export type Jobs = JobStore & JobQueue & BatchBook;
