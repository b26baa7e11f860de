import type { Transaction } from 'kysely';
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
import {
  batchFrom,
  type BatchRow,
  callText,
  jobFrom,
  type JobRow,
  resultText,
  sentBytes,
  wholeNumber,
  wholeOrNull,
} from '../sql/job-text.ts';
import {
  ADD_JOBS,
  ADOPT_BATCH,
  BATCHES,
  CANCEL_BATCHES,
  CHANGE_JOBS,
  FORM_BATCH,
  jobSelection,
  LEASE_BATCH,
  LEASE_LIVE,
  QUEUES,
  READ_JOBS,
  REMOVE_JOBS,
  SAVE_BATCH,
  TAKE_JOBS,
} from './job-statements.ts';
import type { PostgresConnectionOptions, PostgresDatabase } from './postgres-database.ts';
import { openMigratedDatabase } from './postgres-migrations.ts';
import type { PostgresTables } from './postgres-tables.ts';

const FAULT = 'cannot use the deferred calls';

/** What one statement adds at most, so that each stays far below the time that a statement may take. Ours. */
const MAX_ADDED_JOBS = 1_000;
const MAX_ADDED_BYTES = 16_000_000;

/** What one statement takes into a batch at most, likewise: 50,000 take a server that is busy two seconds. Ours. */
const MAX_TAKEN_JOBS = 10_000;

type BatchSizes = Pick<ProviderBatch, 'requests' | 'sizeBytes' | 'inputTokens'>;

interface TakenRow {
  readonly requests: number;
  readonly size_bytes: number;
  readonly input_tokens: number;
}

interface QueueRow {
  readonly queue: string;
  readonly run: string;
  readonly jobs: number;
  readonly size_bytes: number;
  readonly input_tokens: number;
  readonly oldest_at_ms: number;
  readonly earliest_live_at_ms: number | null;
}

/**
 * Deferred calls and batches in Postgres, shared by all that open the database. What is resolved is durable; workers pass over what another one is taking.
 * @public
 */
export class PostgresJobStore implements Jobs {
  readonly #database: PostgresDatabase;
  #closing: Promise<void> | undefined;

  /** @internal Use {@link openPostgresJobStore}. */
  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async add(jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return;
    await this.#database.inTransaction(FAULT, (transaction) => this.#insert(jobs, transaction));
  }

  read(callIds: readonly string[]): Promise<readonly Job[]> {
    return this.#jobs(READ_JOBS, [callIds]);
  }

  async list(query: JobQuery): Promise<readonly Job[]> {
    if (query.states?.length === 0) return [];
    const { sql, parameters } = jobSelection(query);
    return this.#jobs(sql, parameters);
  }

  async update(changes: readonly JobChange[]): Promise<readonly boolean[]> {
    if (changes.length === 0) return [];
    const isMade = changes.map(() => false);
    await this.#database.inTransaction(FAULT, async (transaction) => {
      for (const round of rounds(changes)) {
        const columns = changeColumns(round.map((index) => changes[index]).filter((change) => change !== undefined));
        // oxlint-disable-next-line no-await-in-loop -- the second change of a job comes after its first
        const { rows } = await this.#database.run<{ call_id: string }>(CHANGE_JOBS, columns, transaction);
        const made = new Set(rows.map((row) => row.call_id));
        for (const index of round) isMade[index] = made.has(changes[index]?.callId ?? '');
      }
    });
    return isMade;
  }

  async remove(callIds: readonly string[]): Promise<void> {
    if (callIds.length > 0) await this.#rows(REMOVE_JOBS, [callIds]);
  }

  async queues(): Promise<readonly QueueSummary[]> {
    const rows = await this.#rows<QueueRow>(QUEUES, []);
    return rows.map(({ queue, run, jobs, ...row }) => ({
      queue,
      run,
      jobs,
      sizeBytes: row.size_bytes,
      inputTokens: row.input_tokens,
      oldestAtMs: row.oldest_at_ms,
      earliestLiveAtMs: row.earliest_live_at_ms ?? undefined,
    }));
  }

  form(batch: ProviderBatch, room: BatchRoom, lease: WorkLease): Promise<ProviderBatch | undefined> {
    const { batchId, run, stage, nextAtMs, isCancelled } = batch;
    return this.#database.inTransaction(FAULT, async (transaction) => {
      const taken = await this.#take(batch, room, lease.nowMs, transaction);
      if (taken.requests === 0) return undefined;
      const terms = [wholeNumber(nextAtMs), isCancelled, lease.workerId, leaseEnd(lease), JSON.stringify(batch)];
      const parameters = [batchId, run, stage, ...terms, ...sizes(taken)];
      const { rows } = await this.#database.run<BatchRow>(FORM_BATCH, parameters, transaction);
      return rows.map(batchFrom)[0];
    });
  }

  async leaseBatch(lease: WorkLease): Promise<ProviderBatch | undefined> {
    const [row] = await this.#rows<BatchRow>(LEASE_BATCH, [now(lease), lease.workerId, leaseEnd(lease)]);
    return row === undefined ? undefined : batchFrom(row);
  }

  async saveBatch(batch: ProviderBatch, lease: WorkLease, keepsLease: boolean): Promise<boolean> {
    const { batchId, stage, isCancelled, nextAtMs } = batch;
    const settledAtMs = stage === 'settled' ? now(lease) : null;
    const kept = keepsLease ? [lease.workerId, leaseEnd(lease)] : [null, 0];
    const rows = await this.#rows(SAVE_BATCH, [
      stage,
      ...sizes(batch),
      JSON.stringify(batch),
      isCancelled,
      wholeNumber(nextAtMs),
      settledAtMs,
      ...kept,
      batchId,
      lease.workerId,
      now(lease),
    ]);
    return rows.length === 1;
  }

  leaseLive(lease: WorkLease, limit: number): Promise<readonly Job[]> {
    return this.#jobs(LEASE_LIVE, [now(lease), wholeNumber(limit), leaseEnd(lease)]);
  }

  async batches({ run, batchIds, settledSinceMs }: BatchQuery): Promise<readonly ProviderBatch[]> {
    const parameters = [run ?? null, batchIds ?? null, wholeOrNull(settledSinceMs)];
    return (await this.#rows<BatchRow>(BATCHES, parameters)).map(batchFrom);
  }

  async cancelBatches(batchIds: readonly string[], nowMs: number): Promise<void> {
    if (batchIds.length > 0) await this.#rows(CANCEL_BATCHES, [batchIds, wholeNumber(nowMs)]);
  }

  async adopt(batch: ProviderBatch, jobs: readonly Job[], lease?: WorkLease): Promise<void> {
    const { batchId, run, stage, nextAtMs, isCancelled } = batch;
    const leased = lease === undefined ? [null, 0] : [lease.workerId, leaseEnd(lease)];
    const terms = [wholeNumber(nextAtMs), isCancelled, JSON.stringify(batch), ...leased];
    await this.#database.inTransaction(FAULT, async (transaction) => {
      await this.#database.run(ADOPT_BATCH, [batchId, run, stage, ...sizes(batch), ...terms], transaction);
      await this.#insert(jobs, transaction);
    });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#database.release());
  }

  /** Takes jobs for a batch, some at a time: each statement must stay far below the time that one may take. */
  async #take(
    { batchId, queue, run }: ProviderBatch,
    room: BatchRoom,
    nowMs: number,
    transaction: Transaction<PostgresTables>,
  ): Promise<BatchSizes> {
    const maxRequests = Math.max(1, wholeNumber(room.maxRequests));
    let [requests, sizeBytes, inputTokens] = [0, 0, 0];
    for (;;) {
      const wanted = Math.min(MAX_TAKEN_JOBS, maxRequests - requests);
      const left = [wholeNumber(room.maxBytes - sizeBytes), wholeNumber(room.maxInputTokens - inputTokens)];
      const parameters = [queue, run, wanted, room.lineBytes, ...left, batchId, requests === 0, wholeNumber(nowMs)];
      // oxlint-disable-next-line no-await-in-loop -- what is left is known by what was taken
      const { rows } = await this.#database.run<TakenRow>(TAKE_JOBS, parameters, transaction);
      const taken = rows[0]?.requests ?? 0;
      requests += taken;
      sizeBytes += rows[0]?.size_bytes ?? 0;
      inputTokens += rows[0]?.input_tokens ?? 0;
      if (taken < wanted || requests === maxRequests) return { requests, sizeBytes, inputTokens };
    }
  }

  async #insert(jobs: readonly Job[], transaction: Transaction<PostgresTables>): Promise<void> {
    for (const part of parts(jobs)) {
      await this.#database.run(ADD_JOBS, jobColumns(part), transaction); // oxlint-disable-line no-await-in-loop -- one connection
    }
  }

  async #jobs(sql: string, parameters: readonly unknown[]): Promise<readonly Job[]> {
    return (await this.#rows<JobRow>(sql, parameters)).map(jobFrom);
  }

  async #rows<Row>(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const { rows } = await this.#database.use(FAULT, () => this.#database.run<Row>(sql, parameters));
    return rows;
  }
}

function now({ nowMs }: WorkLease): number {
  return Math.floor(nowMs);
}

function leaseEnd({ nowMs, leaseMs }: WorkLease): number {
  return wholeNumber(nowMs + leaseMs);
}

function sizes({ requests, sizeBytes, inputTokens }: BatchSizes): readonly number[] {
  return [requests, sizeBytes, wholeNumber(inputTokens)];
}

/** Jobs in portions for one statement, each id once. In one order, so that two processes that add the same never wait for each other. */
function parts(jobs: readonly Job[]): readonly (readonly Job[])[] {
  const single = [...new Map(jobs.toReversed().map((job) => [job.call.callId, job])).values()];
  const found: Job[][] = [];
  let sizeBytes = Number.POSITIVE_INFINITY;
  for (const job of single.toSorted(inOrder)) {
    const jobBytes = job.call.body.length + (job.call.sentBody?.length ?? 0) + (job.result?.body.length ?? 0);
    const part = found.at(-1);
    if (part === undefined || part.length === MAX_ADDED_JOBS || sizeBytes + jobBytes > MAX_ADDED_BYTES) {
      found.push([job]);
      sizeBytes = jobBytes;
    } else {
      part.push(job);
      sizeBytes += jobBytes;
    }
  }
  return found;
}

function inOrder({ call: left }: Job, { call: right }: Job): number {
  if (left.position !== right.position) return left.position - right.position;
  return left.callId < right.callId ? -1 : 1;
}

function jobColumns(jobs: readonly Job[]): readonly (readonly unknown[])[] {
  const texts = jobs.map(({ call }) => callText(call));
  const results = jobs.map(({ result }) => (result === undefined ? undefined : resultText(result)));
  return [
    jobs.map(({ call }) => call.callId),
    jobs.map(({ call }) => queueOf(call)),
    jobs.map(({ call }) => call.run),
    jobs.map(({ call }) => call.position),
    jobs.map(({ call }) => wholeNumber(call.atMs)),
    jobs.map(({ call }) => sentBytes(call)),
    jobs.map(({ call }) => wholeNumber(call.inputTokens)),
    jobs.map(({ call }) => call.webhookUrl !== undefined),
    jobs.map(({ state }) => state),
    jobs.map(({ version }) => version),
    jobs.map(({ attempts }) => attempts),
    jobs.map(({ batchId }) => batchId ?? null),
    jobs.map(({ liveAtMs }) => wholeOrNull(liveAtMs)),
    jobs.map(({ liveTier }) => liveTier),
    jobs.map(({ batches }) => batches),
    jobs.map(({ leaseUntilMs }) => wholeNumber(leaseUntilMs)),
    jobs.map(({ toldAtMs }) => wholeOrNull(toldAtMs)),
    texts.map(({ call }) => call),
    texts.map(({ body }) => body),
    texts.map((text) => text.sent_body),
    results.map((text) => text?.result ?? null),
    results.map((text) => text?.result_body ?? null),
  ];
}

/** Indices of the changes in rounds: a statement changes a job once. */
function rounds(changes: readonly JobChange[]): readonly (readonly number[])[] {
  const found: number[][] = [];
  const seen = new Map<string, number>();
  for (const [index, { callId }] of changes.entries()) {
    const round = seen.get(callId) ?? 0;
    seen.set(callId, round + 1);
    (found[round] ??= []).push(index);
  }
  return found;
}

function changeColumns(changes: readonly JobChange[]): readonly (readonly unknown[])[] {
  const sets = changes.map(({ set }) => set);
  const results = sets.map(({ result }) => (result === undefined ? undefined : resultText(result)));
  return [
    changes.map(({ callId }) => callId),
    changes.map(({ version }) => version),
    sets.map(({ state }) => state ?? null),
    sets.map(({ attempts }) => attempts ?? null),
    sets.map(({ liveTier }) => liveTier ?? null),
    sets.map(({ leaseUntilMs }) => wholeOrNull(leaseUntilMs)),
    sets.map((set) => 'batchId' in set),
    sets.map(({ batchId }) => batchId ?? null),
    sets.map((set) => 'liveAtMs' in set),
    sets.map(({ liveAtMs }) => wholeOrNull(liveAtMs)),
    sets.map((set) => 'toldAtMs' in set),
    sets.map(({ toldAtMs }) => wholeOrNull(toldAtMs)),
    results.map((text) => text?.result ?? null),
    results.map((text) => text?.result_body ?? null),
  ];
}

/**
 * Opens the deferred calls in a database. The schema is made, or brought up to date, where it must be.
 * @throws FarthingError `store-unavailable`, or `configuration` when a package is missing.
 * @public
 */
export async function openPostgresJobStore(options: PostgresConnectionOptions): Promise<PostgresJobStore> {
  return new PostgresJobStore(await openMigratedDatabase(options));
}
