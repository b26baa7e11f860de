import { FarthingError, isFarthingError } from '../../core/errors.ts';
import { callIdIn, type ProviderBatch } from '../../core/model/provider-batch.ts';
import { queueFacts } from '../../core/model/deferred-call.ts';
import type { BatchApi, BatchRow, BatchStatus } from '../../ports/batch-api.ts';
import { type BatchEnd, BatchEnds } from './batch-ends.ts';
import { type BatchParts, providerOfTarget } from './batch-parts.ts';
import { jobPages } from './batch-shipment.ts';
import { addressOf, isLost, LOST, lost } from './follow-step.ts';
import type { HeldBatch } from './held-batch.ts';
import { unansweredFault } from './job-result.ts';
import { releaseJobs } from './release-jobs.ts';
import { later, unstage } from './send-steps.ts';

/** Rows that are settled at a time, and their bytes. Ours: they share a commit of the ledger, and memory stays flat. */
const CHUNK_ROWS = 500;
const CHUNK_CHARACTERS = 8_000_000;

/** How often results with lines that cannot be read are fetched again before those are given up. Ours: a proxy that cuts in once does not do so for minutes. */
const MAX_UNREADABLE = 3;

const TOKEN_LIMIT = 'token_limit_exceeded';

/** Its results are there: settles each row, and lets those without one go by their policies. @internal */
export async function settleStep(held: HeldBatch, parts: BatchParts): Promise<ProviderBatch> {
  if (held.batch.fault === LOST) {
    await releaseJobs(held, parts, { kind: 'unknown', outcome: 'lost' });
    return settled(held, parts, 0);
  }
  const { api } = providerOfTarget(parts, held.facts.target);
  let status: BatchStatus;
  try {
    status = await api.status(addressOf(held));
    if (status.reason === 'failed') await settleFailed(held, parts, status);
    else await settleRows(held, parts, api, status);
  } catch (error) {
    return isLost(held, parts, error) ? lost(held, parts) : later(held, parts, error);
  }
  await releaseJobs(held, parts, { kind: 'missing', outcome: outcomeOf(status) });
  await unstage(held, parts);
  return settled(held, parts, status.done);
}

/** Why a batch has no row for a call. */
function outcomeOf({ reason }: BatchStatus): string {
  if (reason === 'failed') return 'batch-refused';
  return reason === 'expired' || reason === 'cancelled' ? reason : 'missing';
}

function settled({ batch, facts }: HeldBatch, { events, hours }: BatchParts, answered: number): ProviderBatch {
  const { batchId, requests, endedAtMs = 0, submittedAtMs = endedAtMs } = batch;
  hours.delete(batchId);
  events.emit({
    kind: 'batch-ended',
    batchId,
    target: facts.target,
    requests,
    answered,
    failed: Math.max(0, requests - answered),
    durationMs: endedAtMs - submittedAtMs,
  });
  return { ...batch, stage: 'settled' };
}

/** Settles each row; the calls that must have been answered by the provider's count, and have no row that can be read, are charged as estimates. */
async function settleRows(held: HeldBatch, parts: BatchParts, api: BatchApi, status: BatchStatus): Promise<void> {
  const { batchId, requests } = held.batch;
  const ends = new BatchEnds(parts);
  const callIdOf = await callIdsOf(held, parts);
  const seen = { rows: 0, answers: 0, hasUnreadable: false };
  let [chunk, characters]: [BatchEnd[], number] = [[], 0];
  const flush = async (): Promise<void> => {
    await ends.take(held.batch, chunk);
    [chunk, characters] = [[], 0];
    await held.renew();
  };
  const onUnreadable = (): void => {
    seen.hasUnreadable = true;
  };
  for await (const row of readableRows(held, api, status, onUnreadable)) {
    seen.rows += 1;
    if (row.kind === 'reply' && row.status < 300) seen.answers += 1;
    const callId = callIdOf(row.customId);
    if (callId === undefined) {
      parts.events.emit({ kind: 'batch-row-unknown', batchId: held.batch.batchId, customId: row.customId });
      continue;
    }
    chunk.push(endOf(callId, row));
    characters += row.kind === 'reply' ? row.body.length : 0;
    if (chunk.length >= CHUNK_ROWS || characters >= CHUNK_CHARACTERS) await flush();
  }
  await flush();
  const lacking = requests - seen.rows;
  const left = lacking <= 0 ? 0 : await countLeft(batchId, parts);
  // Those that were charged so before a crash have left already.
  const unknown = left - (lacking - unreadAnswers({ ...seen, lacking }, status));
  if (unknown > 0) await releaseJobs(held, parts, { kind: 'unknown', outcome: 'unreadable' }, unknown);
}

/** How many calls without a row have been answered by the provider's own count; where it gives none, and there are lines that nobody can read, it may be all. */
function unreadAnswers(
  {
    lacking,
    answers,
    hasUnreadable,
  }: { readonly lacking: number; readonly answers: number; readonly hasUnreadable: boolean },
  { done, failed }: BatchStatus,
): number {
  if (done + failed === 0) return hasUnreadable ? lacking : 0;
  return Math.min(lacking, Math.max(0, done - answers));
}

async function countLeft(batchId: string, { jobs }: BatchParts): Promise<number> {
  let count = 0;
  for await (const page of jobPages(jobs, { batchId })) count += page.length;
  return count;
}

/** All rows; those that nobody can read, however often the results are fetched, are left out. */
async function* readableRows(
  held: HeldBatch,
  api: BatchApi,
  status: BatchStatus,
  onUnreadable: () => void,
): AsyncGenerator<BatchRow> {
  try {
    yield* api.rows(addressOf(held), status);
  } catch (error) {
    if (held.batch.failures < MAX_UNREADABLE || !isUnreadable(error)) throw error;
    onUnreadable();
  }
}

/** Whether all rows were given but those that cannot be read: see `BatchReader.rows`. */
function isUnreadable(error: unknown): boolean {
  return isFarthingError(error) && error.code === 'provider-failed' && error.status === 502 && !error.retryable;
}

/** In how many batches a call is that is sent by itself and refused for its tokens: one a minute. Ours: an hour, in which other batches of the account may end. */
const MAX_ALONE = 60;

function endOf(callId: string, row: BatchRow): BatchEnd {
  if (row.kind === 'reply') return { callId, kind: 'reply', status: row.status, body: row.body };
  return { callId, kind: 'none', fault: unansweredFault(row.kind), mayRetry: true };
}

/** Which call a custom id is. In a batch of ours it says so itself; in a client's own the jobs are asked. */
async function callIdsOf(
  { batch: { batchId } }: HeldBatch,
  { jobs }: BatchParts,
): Promise<(customId: string) => string | undefined> {
  const [first] = await jobs.list({ batchId, limit: 1 });
  if (first?.call.customId === undefined) return (customId) => callIdIn(batchId, customId);
  const callIds = new Map<string, string>();
  for await (const page of jobPages(jobs, { batchId })) {
    for (const { call } of page) if (call.customId !== undefined) callIds.set(call.customId, call.callId);
  }
  return (customId) => callIds.get(customId);
}

/** The provider has taken none of it. */
async function settleFailed(held: HeldBatch, parts: BatchParts, status: BatchStatus): Promise<void> {
  const { batch, facts } = held;
  const { faults = [], fault } = status;
  const { batchId } = batch;
  parts.events.emit({ kind: 'batch-refused', batchId, target: facts.target, reason: fault ?? 'failed' });
  if (faults.some(({ code }) => code === TOKEN_LIMIT) || fault?.includes(TOKEN_LIMIT) === true) {
    const isAlone = await noteTokenLimit(held, parts);
    if (isAlone && (await isRefusedForGood(held, parts))) {
      const error = new FarthingError('payload-too-large', 'the provider never has room for this call in a batch');
      return new BatchEnds(parts).take(batch, await allRefused(held, parts, error));
    }
    return releaseJobs(held, parts, { kind: 'unasked' });
  }
  const named = await namedJobs(held, parts, faults);
  if (named.length === 0) return;
  await new BatchEnds(parts).take(batch, named);
  // The others are not to blame.
  await releaseJobs(held, parts, { kind: 'unasked' });
}

/** The jobs whose lines the provider named. Lines are told to jobs only while none has left the batch: after a crash on the way the next batch names what is left. */
async function namedJobs(
  { batch: { batchId, requests } }: HeldBatch,
  { jobs }: BatchParts,
  faults: NonNullable<BatchStatus['faults']>,
): Promise<readonly BatchEnd[]> {
  const byLine = new Map(faults.map(({ line, message }) => [line, message]));
  byLine.delete(undefined);
  if (byLine.size === 0) return [];
  const named: BatchEnd[] = [];
  let line = 0;
  for await (const page of jobPages(jobs, { batchId })) {
    for (const { call } of page) {
      line += 1;
      const message = byLine.get(line);
      if (message === undefined) continue;
      const error = new FarthingError('invalid-request', `the provider refused this line of the batch: ${message}`);
      named.push({ callId: call.callId, kind: 'none', fault: { outcome: 'line-refused', error }, mayRetry: false });
    }
  }
  return line === requests ? named : [];
}

/** Says whether nothing else of ours was under way there. */
async function noteTokenLimit({ batch, facts }: HeldBatch, { jobs, enqueued, clock }: BatchParts): Promise<boolean> {
  const others = (await jobs.batches({})).filter(
    ({ batchId, queue, stage }) =>
      batchId !== batch.batchId && stage === 'submitted' && queueFacts(queue).target === facts.target,
  );
  const otherTokens = others.reduce((sum, { inputTokens }) => sum + inputTokens, 0);
  enqueued.note(facts.target, batch.inputTokens, otherTokens, clock.nowMs());
  return otherTokens === 0;
}

/** Whether a call that was sent by itself has been refused for as long as others of the account may take. */
async function isRefusedForGood({ batch: { batchId, requests } }: HeldBatch, { jobs }: BatchParts): Promise<boolean> {
  if (requests > 1) return false;
  const [job] = await jobs.list({ batchId, limit: 1 });
  return (job?.batches ?? 0) >= MAX_ALONE;
}

async function allRefused(
  { batch: { batchId } }: HeldBatch,
  { jobs }: BatchParts,
  error: FarthingError,
): Promise<readonly BatchEnd[]> {
  const found = await jobs.list({ batchId, limit: 1 });
  const fault = { outcome: 'too-large', error };
  return found.map(({ call: { callId } }) => ({ callId, kind: 'none', fault, mayRetry: false }));
}
