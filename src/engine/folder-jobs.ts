import { existsSync } from 'node:fs';
import { FarthingError } from '../core/errors.ts';
import type { Job } from '../core/model/deferred-call.ts';
import type { ProviderBatch } from '../core/model/provider-batch.ts';
import type { BatchQuery, BatchRoom, JobChange, JobQuery, Jobs, QueueSummary, WorkLease } from '../ports/job-store.ts';
import { jobsPath } from '../stores/sqlite/data-files.ts';
import { openSqliteJobStore } from '../stores/sqlite/sqlite-job-store.ts';

/**
 * The deferred calls of a data folder, opened when there are any: a gateway that answers everything at once starts no thread for them, and makes no file.
 * Until the first is added, by whichever process, everything else is answered as by an empty store.
 * @internal
 */
export class FolderJobs implements Jobs {
  readonly #path: string;
  #opening: Promise<Jobs> | undefined;
  #isClosed = false;

  constructor(folder: string) {
    this.#path = jobsPath(folder);
  }

  async add(jobs: readonly Job[]): Promise<void> {
    if (jobs.length > 0) await (await this.#open()).add(jobs);
  }

  read(callIds: readonly string[]): Promise<readonly Job[]> {
    return this.#ask([], (jobs) => jobs.read(callIds));
  }

  list(query: JobQuery): Promise<readonly Job[]> {
    return this.#ask([], (jobs) => jobs.list(query));
  }

  update(changes: readonly JobChange[]): Promise<readonly boolean[]> {
    const none = changes.map(() => false);
    return this.#ask(none, (jobs) => jobs.update(changes));
  }

  remove(callIds: readonly string[]): Promise<void> {
    return this.#ask(undefined, (jobs) => jobs.remove(callIds));
  }

  queues(): Promise<readonly QueueSummary[]> {
    return this.#ask([], (jobs) => jobs.queues());
  }

  form(batch: ProviderBatch, room: BatchRoom, lease: WorkLease): Promise<ProviderBatch | undefined> {
    return this.#ask(undefined, (jobs) => jobs.form(batch, room, lease));
  }

  leaseBatch(lease: WorkLease): Promise<ProviderBatch | undefined> {
    return this.#ask(undefined, (jobs) => jobs.leaseBatch(lease));
  }

  saveBatch(batch: ProviderBatch, lease: WorkLease, keepsLease: boolean): Promise<boolean> {
    return this.#ask(false, (jobs) => jobs.saveBatch(batch, lease, keepsLease));
  }

  leaseLive(lease: WorkLease, limit: number): Promise<readonly Job[]> {
    return this.#ask([], (jobs) => jobs.leaseLive(lease, limit));
  }

  batches(query: BatchQuery): Promise<readonly ProviderBatch[]> {
    return this.#ask([], (jobs) => jobs.batches(query));
  }

  cancelBatches(batchIds: readonly string[], nowMs: number): Promise<void> {
    return this.#ask(undefined, (jobs) => jobs.cancelBatches(batchIds, nowMs));
  }

  async adopt(batch: ProviderBatch, jobs: readonly Job[], lease?: WorkLease): Promise<void> {
    await (await this.#open()).adopt(batch, jobs, lease);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // One that could not be opened has nothing to close.
    const jobs = await this.#opening?.catch(() => undefined);
    await jobs?.close();
  }

  async #ask<Answer>(empty: Answer, question: (jobs: Jobs) => Promise<Answer>): Promise<Answer> {
    const isEmpty = this.#opening === undefined && !this.#isClosed && !existsSync(this.#path);
    return isEmpty ? empty : question(await this.#open());
  }

  async #open(): Promise<Jobs> {
    if (this.#isClosed) throw new FarthingError('store-unavailable', 'the store is closed');
    const opening = (this.#opening ??= openSqliteJobStore(this.#path));
    try {
      return await opening;
    } catch (error) {
      // The next call tries again, unless one does already.
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
  }
}
