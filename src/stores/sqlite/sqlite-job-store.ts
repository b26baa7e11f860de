import { randomUUID } from 'node:crypto';
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
import { jobSelection } from './job-list.ts';
import { JOB_MIGRATIONS, JOB_READS, JOB_STATEMENTS, type JobStatement } from './job-schema.ts';
import { PreparedStatements } from './prepared-statements.ts';
import {
  openDatabase,
  type SqliteDatabase,
  type SqliteDriver,
  type SqlRow,
  type SqlValue,
  storeFault,
} from './sqlite-database.ts';
import { SqliteWriter, type WriteOperation } from './sqlite-writer.ts';

type Operation = WriteOperation<JobStatement>;

/**
 * Deferred calls and batches in a SQLite file that every process of a data folder shares. Reads run on the calling thread, a page at a time; writes in a
 * thread of their own, each in one transaction, acknowledged when they are on the disk.
 * @internal
 */
export class SqliteJobStore implements Jobs {
  readonly #writer: SqliteWriter<JobStatement>;
  readonly #reader: SqliteDatabase;
  readonly #statements: PreparedStatements;
  #closing: Promise<void> | undefined;

  /** Use {@link openSqliteJobStore}. */
  constructor(writer: SqliteWriter<JobStatement>, reader: SqliteDatabase) {
    this.#writer = writer;
    this.#reader = reader;
    this.#statements = new PreparedStatements(reader);
  }

  async add(jobs: readonly Job[]): Promise<void> {
    if (jobs.length > 0) await this.#writer.write(additions(jobs));
  }

  async read(callIds: readonly string[]): Promise<readonly Job[]> {
    return this.#jobs(JOB_READS.read, JSON.stringify(callIds));
  }

  async list(query: JobQuery): Promise<readonly Job[]> {
    if (query.states?.length === 0) return [];
    const { sql, parameters } = jobSelection(query);
    return this.#jobs(sql, ...parameters);
  }

  async update(changes: readonly JobChange[]): Promise<readonly boolean[]> {
    if (changes.length === 0) return [];
    const operations = changes.flatMap(changeOperations);
    const counts = await this.#writer.write(operations);
    return counts.filter((_, index) => operations[index]?.[0] === 'change').map((count) => count === 1);
  }

  async remove(callIds: readonly string[]): Promise<void> {
    if (callIds.length > 0) await this.#writer.write([['remove', JSON.stringify(callIds)]]);
  }

  async queues(): Promise<readonly QueueSummary[]> {
    return this.#all(JOB_READS.queues).map((row) => ({
      queue: String(row['queue']),
      run: String(row['run']),
      jobs: Number(row['jobs']),
      sizeBytes: Number(row['size_bytes']),
      inputTokens: Number(row['input_tokens']),
      oldestAtMs: Number(row['oldest_at_ms']),
      earliestLiveAtMs: row['earliest_live_at_ms'] == null ? undefined : Number(row['earliest_live_at_ms']),
    }));
  }

  async form(batch: ProviderBatch, room: BatchRoom, lease: WorkLease): Promise<ProviderBatch | undefined> {
    const { batchId, run, queue, stage } = batch;
    const [maxBytes, maxTokens] = [wholeNumber(room.maxBytes), wholeNumber(room.maxInputTokens)];
    const maxRequests = Math.max(1, wholeNumber(room.maxRequests));
    const [nextAtMs, isCancelled] = changing(batch);
    const [taken = 0] = await this.#writer.write([
      ['take', batchId, room.lineBytes, run, queue, run, queue, lease.nowMs, maxRequests, maxBytes, maxTokens],
      [
        'form',
        batchId,
        run,
        stage,
        nextAtMs,
        isCancelled,
        lease.workerId,
        leaseEnd(lease),
        JSON.stringify(batch),
        room.lineBytes,
        batchId,
      ],
    ]);
    if (taken === 0) return undefined;
    const [formed] = await this.batches({ batchIds: [batchId] });
    return formed;
  }

  async leaseBatch(lease: WorkLease): Promise<ProviderBatch | undefined> {
    const due: readonly SqlValue[] = [lease.nowMs, lease.nowMs];
    // A look costs microseconds, a write the file's lock.
    if (this.#all(JOB_READS.isBatchDue, ...due).length === 0) return undefined;
    const token = randomUUID();
    await this.#writer.write([['leaseBatch', lease.workerId, leaseEnd(lease), token, ...due]]);
    return this.#all(JOB_READS.leasedBatch, token).map(batchOf)[0];
  }

  async saveBatch(batch: ProviderBatch, lease: WorkLease, keepsLease: boolean): Promise<boolean> {
    const { batchId, stage, requests, sizeBytes, inputTokens } = batch;
    const [nextAtMs, isCancelled] = changing(batch);
    const settledAtMs = stage === 'settled' ? wholeNumber(lease.nowMs) : null;
    const [count] = await this.#writer.write([
      [
        'saveBatch',
        stage,
        requests,
        sizeBytes,
        wholeNumber(inputTokens),
        JSON.stringify(batch),
        isCancelled,
        nextAtMs,
        nextAtMs,
        isCancelled,
        settledAtMs,
        keepsLease ? lease.workerId : null,
        keepsLease ? leaseEnd(lease) : 0,
        batchId,
        lease.workerId,
        lease.nowMs,
      ],
    ]);
    return count === 1;
  }

  async leaseLive(lease: WorkLease, limit: number): Promise<readonly Job[]> {
    const due: readonly SqlValue[] = [lease.nowMs, lease.nowMs];
    if (this.#all(JOB_READS.isJobDue, ...due).length === 0) return [];
    const token = randomUUID();
    await this.#writer.write([['leaseLive', leaseEnd(lease), token, ...due, wholeNumber(limit)]]);
    return this.#jobs(JOB_READS.leasedJobs, token);
  }

  async batches({ run, batchIds, settledSinceMs }: BatchQuery): Promise<readonly ProviderBatch[]> {
    const found = this.#batchRows(batchIds, settledSinceMs).map(batchOf);
    return run === undefined ? found : found.filter((batch) => batch.run === run);
  }

  async cancelBatches(batchIds: readonly string[], nowMs: number): Promise<void> {
    if (batchIds.length > 0) await this.#writer.write([['cancel', wholeNumber(nowMs), JSON.stringify(batchIds)]]);
  }

  async adopt(batch: ProviderBatch, jobs: readonly Job[], lease?: WorkLease): Promise<void> {
    const { batchId, run, stage, requests, sizeBytes, inputTokens } = batch;
    const counts = [requests, sizeBytes, wholeNumber(inputTokens)];
    const terms = lease === undefined ? [null, 0] : [lease.workerId, leaseEnd(lease)];
    const facts = JSON.stringify(batch);
    const adoption: Operation = ['adopt', batchId, run, stage, ...counts, ...changing(batch), ...terms, facts];
    await this.#writer.write([adoption, ...additions(jobs)]);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    this.#reader.close();
  }

  #batchRows(batchIds: readonly string[] | undefined, settledSinceMs: number | undefined): readonly SqlRow[] {
    if (batchIds === undefined) {
      return settledSinceMs === undefined
        ? this.#all(JOB_READS.underWay)
        : this.#all(JOB_READS.settled, settledSinceMs);
    }
    const ids = JSON.stringify(batchIds);
    return settledSinceMs === undefined
      ? this.#all(JOB_READS.batches, ids)
      : this.#all(JOB_READS.settledOf, ids, settledSinceMs);
  }

  #jobs(sql: string, ...parameters: readonly SqlValue[]): readonly Job[] {
    return this.#all(sql, ...parameters).map((row) => jobFrom(row as unknown as JobRow));
  }

  #all(sql: string, ...parameters: readonly SqlValue[]): readonly SqlRow[] {
    try {
      return this.#statements.of(sql).all(...parameters);
    } catch (error) {
      throw storeFault('cannot read the deferred calls', error);
    }
  }
}

function batchOf(row: SqlRow): ProviderBatch {
  return batchFrom(row as unknown as BatchRow);
}

function leaseEnd({ nowMs, leaseMs }: WorkLease): number {
  return wholeNumber(nowMs + leaseMs);
}

/** What of a batch others change as well. */
function changing({ nextAtMs, isCancelled }: ProviderBatch): readonly [nextAtMs: number, isCancelled: number] {
  return [wholeNumber(nextAtMs), isCancelled ? 1 : 0];
}

function additions(jobs: readonly Job[]): readonly Operation[] {
  const lines = new Set<string>();
  const operations: Operation[] = [];
  for (const job of jobs) {
    const { callId, run } = job.call;
    const queue = queueOf(job.call);
    const line = JSON.stringify([queue, run]);
    if (!lines.has(line)) operations.push(['line', queue, run]);
    lines.add(line);
    const { call, body, sent_body: sentBody } = callText(job.call);
    const { result, result_body: resultBody } =
      job.result === undefined ? { result: null, result_body: null } : resultText(job.result);
    operations.push(
      ['job', ...jobColumns(job), run, queue],
      ['content', call, body, sentBody, result, resultBody, callId],
    );
  }
  return operations;
}

function jobColumns(job: Job): readonly SqlValue[] {
  const { call } = job;
  return [
    call.callId,
    call.run,
    call.position,
    wholeNumber(call.atMs),
    sentBytes(call),
    wholeNumber(call.inputTokens),
    call.webhookUrl === undefined ? 0 : 1,
    job.state,
    job.version,
    job.attempts,
    job.batchId ?? null,
    wholeOrNull(job.liveAtMs),
    job.liveTier,
    job.batches,
    wholeNumber(job.leaseUntilMs),
    wholeOrNull(job.toldAtMs),
  ];
}

function changeOperations({ callId, version, set }: JobChange): readonly Operation[] {
  const change: Operation = [
    'change',
    set.state ?? null,
    set.attempts ?? null,
    set.liveTier ?? null,
    wholeOrNull(set.leaseUntilMs),
    'batchId' in set ? 1 : 0,
    set.batchId ?? null,
    'liveAtMs' in set ? 1 : 0,
    wholeOrNull(set.liveAtMs),
    'toldAtMs' in set ? 1 : 0,
    wholeOrNull(set.toldAtMs),
    callId,
    version,
  ];
  if (set.result === undefined) return [change];
  const { result, result_body: body } = resultText(set.result);
  // Before the change, while the version holds.
  return [['result', result, body, callId, version], change];
}

/**
 * Opens the deferred calls of a data folder; the file is made when it is not there, its folder must exist.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function openSqliteJobStore(path: string, driver?: SqliteDriver): Promise<SqliteJobStore> {
  const driven = driver === undefined ? {} : { driver };
  const writer = new SqliteWriter({
    path,
    statements: JOB_STATEMENTS,
    pragmas: { synchronous: 'FULL' },
    migrations: JOB_MIGRATIONS,
    ...driven,
  });
  try {
    await writer.ready();
    return new SqliteJobStore(writer, await openDatabase(path, { readonly: true, ...driven }));
  } catch (error) {
    await writer.close();
    throw error;
  }
}
