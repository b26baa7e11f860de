import { FarthingError } from '../../core/errors.ts';
import { type Job, queueOf } from '../../core/model/deferred-call.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import type {
  BatchQuery,
  BatchRoom,
  JobChange,
  JobQuery,
  Jobs,
  QueueSummary,
  WorkLease,
} from '../../ports/job-store.ts';
import { JobShelf, type ShelvedJob } from './job-shelf.ts';

interface KeptBatch {
  batch: ProviderBatch;
  workerId: string | undefined;
  leaseUntilMs: number;
  settledAtMs: number | undefined;
}

/** Jobs of one run in one queue that wait. */
interface Line {
  readonly queue: string;
  readonly run: string;
  readonly jobs: Set<ShelvedJob>;
}

/** Deferred calls and batches in the memory of one process: they are gone when it ends. @internal */
export class MemoryJobStore implements Jobs {
  readonly #jobs = new Map<string, ShelvedJob>();
  #all = new JobShelf();
  readonly #runs = new Map<string, JobShelf>();
  readonly #inBatches = new Map<string, JobShelf>();
  readonly #lines = new Map<string, Line>();
  /** Those with an hour that are not done. */
  readonly #timed = new Set<ShelvedJob>();
  /** In the order in which they were formed. */
  readonly #batches = new Map<string, KeptBatch>();
  #sequence = 0;

  async add(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      if (this.#jobs.has(job.call.callId)) continue;
      this.#sequence += 1;
      const { body, sentBody } = job.call;
      const shelved = { job, sizeBytes: Buffer.byteLength(sentBody ?? body), sequence: this.#sequence };
      this.#jobs.set(job.call.callId, shelved);
      this.#all.add(shelved);
      shelfOf(this.#runs, job.call.run).add(shelved);
      this.#put(shelved, job);
    }
  }

  async read(callIds: readonly string[]): Promise<readonly Job[]> {
    return [...new Set(callIds)].flatMap((callId) => this.#jobs.get(callId)?.job ?? []);
  }

  async list({ run, batchId, states, isUntold, after, limit }: JobQuery): Promise<readonly Job[]> {
    const isWanted = (job: Job): boolean =>
      (run === undefined || job.call.run === run) &&
      (batchId === undefined || job.batchId === batchId) &&
      (states === undefined || states.includes(job.state)) &&
      (isUntold !== true || isToBeTold(job));
    return this.#shelfFor(run, batchId)?.page(after, limit, isWanted) ?? [];
  }

  async update(changes: readonly JobChange[]): Promise<readonly boolean[]> {
    return changes.map(({ callId, version, set }) => {
      const shelved = this.#jobs.get(callId);
      if (shelved === undefined || shelved.job.version !== version) return false;
      this.#put(shelved, { ...shelved.job, ...set, version: version + 1 });
      return true;
    });
  }

  async remove(callIds: readonly string[]): Promise<void> {
    for (const callId of callIds) {
      const shelved = this.#jobs.get(callId);
      if (shelved === undefined) continue;
      const { run } = shelved.job.call;
      this.#jobs.delete(callId);
      this.#all.remove(shelved);
      this.#runs.get(run)?.remove(shelved);
      if (shelved.job.batchId !== undefined) this.#inBatches.get(shelved.job.batchId)?.remove(shelved);
      this.#lineOf(shelved.job).jobs.delete(shelved);
      this.#timed.delete(shelved);
    }
  }

  async queues(): Promise<readonly QueueSummary[]> {
    return [...this.#lines.values()].filter(({ jobs }) => jobs.size > 0).map(summaryOf);
  }

  async form(batch: ProviderBatch, room: BatchRoom, lease: WorkLease): Promise<ProviderBatch | undefined> {
    const { batchId, queue, run } = batch;
    if (this.#batches.has(batchId)) throw new FarthingError('store-unavailable', 'a batch of this id is there already');
    const line = [...(this.#lines.get(lineName(queue, run))?.jobs ?? [])];
    const waiting = line.filter((shelved) => hourOf(shelved) > lease.nowMs).toSorted(oldestFirst);
    let [requests, sizeBytes, inputTokens] = [0, 0, 0];
    for (const shelved of waiting) {
      const size = sizeBytes + shelved.sizeBytes + room.lineBytes;
      const tokens = inputTokens + shelved.job.call.inputTokens;
      const fits = requests < room.maxRequests && size <= room.maxBytes && tokens <= room.maxInputTokens;
      if (requests > 0 && !fits) break;
      [requests, sizeBytes, inputTokens] = [requests + 1, size, tokens];
      const { version, batches } = shelved.job;
      this.#put(shelved, { ...shelved.job, state: 'batched', batchId, batches: batches + 1, version: version + 1 });
    }
    if (requests === 0) return undefined;
    const formed = { ...batch, requests, sizeBytes, inputTokens };
    this.#batches.set(batchId, { ...leaseTerms(lease), batch: formed, settledAtMs: undefined });
    return formed;
  }

  async leaseBatch(lease: WorkLease): Promise<ProviderBatch | undefined> {
    let due: KeptBatch | undefined;
    for (const kept of this.#batches.values()) {
      const isDue = kept.batch.nextAtMs <= lease.nowMs && kept.leaseUntilMs <= lease.nowMs && isUnderWay(kept.batch);
      if (isDue && (due === undefined || kept.batch.nextAtMs < due.batch.nextAtMs)) due = kept;
    }
    if (due !== undefined) Object.assign(due, leaseTerms(lease));
    return due?.batch;
  }

  async saveBatch(batch: ProviderBatch, lease: WorkLease, keepsLease: boolean): Promise<boolean> {
    const kept = this.#batches.get(batch.batchId);
    if (kept?.workerId !== lease.workerId || kept.leaseUntilMs <= lease.nowMs) return false;
    const before = kept.batch;
    // The worker may not know yet that it is to be cancelled, and must not put that off.
    const isNews = before.isCancelled && !batch.isCancelled;
    const nextAtMs = isNews ? Math.min(before.nextAtMs, batch.nextAtMs) : batch.nextAtMs;
    kept.batch = { ...batch, nextAtMs, isCancelled: before.isCancelled || batch.isCancelled };
    if (batch.stage === 'settled') kept.settledAtMs ??= lease.nowMs;
    Object.assign(kept, keepsLease ? leaseTerms(lease) : { workerId: undefined, leaseUntilMs: 0 });
    return true;
  }

  async leaseLive({ nowMs, leaseMs }: WorkLease, limit: number): Promise<readonly Job[]> {
    const due = [...this.#timed]
      .filter(({ job: { state, liveAtMs, leaseUntilMs } }) => {
        const isFree = state === 'waiting' || state === 'batched' || (state === 'live' && leaseUntilMs <= nowMs);
        return isFree && liveAtMs !== undefined && liveAtMs <= nowMs;
      })
      .toSorted((left, right) => hourOf(left) - hourOf(right) || left.sequence - right.sequence)
      .slice(0, limit);
    return due.map((shelved) => {
      const { version } = shelved.job;
      this.#put(shelved, { ...shelved.job, state: 'live', leaseUntilMs: nowMs + leaseMs, version: version + 1 });
      return shelved.job;
    });
  }

  async batches({ run, batchIds, settledSinceMs }: BatchQuery): Promise<readonly ProviderBatch[]> {
    const isWanted = ({ batch, settledAtMs }: KeptBatch): boolean => {
      if (run !== undefined && batch.run !== run) return false;
      if (batchIds !== undefined && !batchIds.includes(batch.batchId)) return false;
      if (settledSinceMs !== undefined) return settledAtMs !== undefined && settledAtMs >= settledSinceMs;
      return batchIds !== undefined || isUnderWay(batch);
    };
    return [...this.#batches.values()].filter(isWanted).map(({ batch }) => batch);
  }

  async cancelBatches(batchIds: readonly string[], nowMs: number): Promise<void> {
    for (const batchId of batchIds) {
      const kept = this.#batches.get(batchId);
      if (kept === undefined || !isUnderWay(kept.batch)) continue;
      kept.batch = { ...kept.batch, isCancelled: true, nextAtMs: Math.min(kept.batch.nextAtMs, nowMs) };
    }
  }

  async adopt(batch: ProviderBatch, jobs: readonly Job[], lease?: WorkLease): Promise<void> {
    if (!this.#batches.has(batch.batchId)) {
      const terms = lease === undefined ? { workerId: undefined, leaseUntilMs: 0 } : leaseTerms(lease);
      this.#batches.set(batch.batchId, { batch, settledAtMs: undefined, ...terms });
    }
    await this.add(jobs);
  }

  async close(): Promise<void> {
    this.#jobs.clear();
    this.#all = new JobShelf();
    this.#batches.clear();
    this.#lines.clear();
    this.#runs.clear();
    this.#inBatches.clear();
    this.#timed.clear();
  }

  #shelfFor(run: string | undefined, batchId: string | undefined): JobShelf | undefined {
    if (batchId !== undefined) return this.#inBatches.get(batchId);
    return run === undefined ? this.#all : this.#runs.get(run);
  }

  #lineOf({ call }: Job): Line {
    const queue = queueOf(call);
    const name = lineName(queue, call.run);
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = { queue, run: call.run, jobs: new Set() };
      this.#lines.set(name, line);
    }
    return line;
  }

  /** Keeps a job as it is now, wherever it is to be found. */
  #put(shelved: ShelvedJob, job: Job): void {
    const { batchId: formerBatch } = shelved.job;
    shelved.job = job;
    if (formerBatch !== undefined && formerBatch !== job.batchId) this.#inBatches.get(formerBatch)?.remove(shelved);
    if (job.batchId !== undefined) shelfOf(this.#inBatches, job.batchId).add(shelved);
    const { jobs: waiting } = this.#lineOf(job);
    if (job.state === 'waiting') waiting.add(shelved);
    else waiting.delete(shelved);
    if (job.liveAtMs !== undefined && job.state !== 'done') this.#timed.add(shelved);
    else this.#timed.delete(shelved);
  }
}

function shelfOf(shelves: Map<string, JobShelf>, name: string): JobShelf {
  let shelf = shelves.get(name);
  if (shelf === undefined) {
    shelf = new JobShelf();
    shelves.set(name, shelf);
  }
  return shelf;
}

function lineName(queue: string, run: string): string {
  return JSON.stringify([queue, run]);
}

function leaseTerms({ workerId, nowMs, leaseMs }: WorkLease): Pick<KeptBatch, 'workerId' | 'leaseUntilMs'> {
  return { workerId, leaseUntilMs: nowMs + leaseMs };
}

function isUnderWay({ stage }: ProviderBatch): boolean {
  return stage !== 'settled' && stage !== 'abandoned';
}

function isToBeTold({ state, toldAtMs, call }: Job): boolean {
  return state === 'done' && toldAtMs === undefined && call.webhookUrl !== undefined;
}

function hourOf({ job }: ShelvedJob): number {
  return job.liveAtMs ?? Number.POSITIVE_INFINITY;
}

function oldestFirst(left: ShelvedJob, right: ShelvedJob): number {
  return left.job.call.atMs - right.job.call.atMs || left.sequence - right.sequence;
}

function summaryOf({ queue, run, jobs }: Line): QueueSummary {
  let [sizeBytes, inputTokens, oldestAtMs, earliest] = [0, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const shelved of jobs) {
    sizeBytes += shelved.sizeBytes;
    inputTokens += shelved.job.call.inputTokens;
    oldestAtMs = Math.min(oldestAtMs, shelved.job.call.atMs);
    earliest = Math.min(earliest, hourOf(shelved));
  }
  const earliestLiveAtMs = earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  return { queue, run, jobs: jobs.size, sizeBytes, inputTokens, oldestAtMs, earliestLiveAtMs };
}
