import { batchOutlook } from '../../core/batch/batch-outlook.ts';
import { keepsRunning, pollPause } from '../../core/batch/batch-pace.ts';
import { isFarthingError } from '../../core/errors.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import type { BatchAddress, BatchStatus } from '../../ports/batch-api.ts';
import { type BatchParts, providerOfTarget } from './batch-parts.ts';
import { jobPages } from './batch-shipment.ts';
import type { HeldBatch } from './held-batch.ts';
import { later } from './send-steps.ts';

/** How long after its window a batch that cannot be read is given up, in milliseconds: an hour. Ours. */
const LOST_AFTER_MS = 3_600_000;

/** For how long providers keep results, in milliseconds: 29 days at Anthropic, thirty at OpenAI. */
const RESULTS_KEPT_MS = 2_592_000_000;

/** What the fault of a batch says that its provider does not know any more. @internal */
export const LOST = 'the provider does not know it any more';

/** Where a batch is at its provider. @internal */
export function addressOf({ batch, facts }: HeldBatch): BatchAddress {
  const { providerId = '', batchId, keyIndex } = batch;
  return { providerId, batchId, headers: facts.headers, keyIndex };
}

/** It is at the provider: looks how far it is, and cancels it where it is to be, or nobody waits for it any more. @internal */
export async function followStep(held: HeldBatch, parts: BatchParts): Promise<ProviderBatch> {
  const { facts } = held;
  const { api } = providerOfTarget(parts, facts.target);
  try {
    const status = await api.status(addressOf(held));
    return status.state === 'ended' ? await ended(held, parts, status) : await running(held, parts, status);
  } catch (error) {
    return isLost(held, parts, error) ? lost(held, parts) : later(held, parts, error);
  }
}

/** Whether a provider that should have long ended a batch says that there is none. @internal */
export function isLost({ batch, facts }: HeldBatch, parts: BatchParts, error: unknown): boolean {
  const { windowMs } = providerOfTarget(parts, facts.target).api.limits;
  const isOver = parts.clock.nowMs() > (batch.submittedAtMs ?? 0) + windowMs + LOST_AFTER_MS;
  return isOver && isFarthingError(error) && error.code === 'provider-failed' && error.status === 404;
}

/** Whether a batch's provider is out of the configuration for so long that its results are gone. @internal */
export function isForgotten({ batch }: HeldBatch, { clock }: BatchParts): boolean {
  const sentAtMs = batch.submittedAtMs ?? batch.submittingAtMs;
  return sentAtMs !== undefined && clock.nowMs() > sentAtMs + RESULTS_KEPT_MS;
}

/** It is given up: what it cost nobody can say, so that the most that it may have is charged, as an estimate. @internal */
export function lost({ batch }: HeldBatch, { clock }: BatchParts): ProviderBatch {
  const endedAtMs = batch.endedAtMs ?? clock.nowMs();
  return { ...batch, stage: 'ended', fault: LOST, endedAtMs, failures: 0, nextAtMs: clock.nowMs() };
}

async function ended(held: HeldBatch, parts: BatchParts, { reason }: BatchStatus): Promise<ProviderBatch> {
  const { batch, facts } = held;
  const endedAtMs = parts.clock.nowMs();
  const tookMs = endedAtMs - (batch.submittedAtMs ?? endedAtMs);
  // What a provider did not even begin tells nothing of how long it takes.
  if (reason !== 'failed') {
    const end = { endedAtMs, ms: tookMs, isCensored: reason === 'expired' || reason === 'cancelled' };
    await parts.durations.observe(facts.target, end);
  }
  return { ...batch, stage: 'ended', endedAtMs, failures: 0, fault: undefined };
}

async function running(held: HeldBatch, parts: BatchParts, { state }: BatchStatus): Promise<ProviderBatch> {
  const { batch, facts } = held;
  const nowMs = parts.clock.nowMs();
  const ageMs = nowMs - (batch.submittedAtMs ?? nowMs);
  const isCancelled = batch.isCancelled || !(await isOfUse(held, parts, ageMs));
  if (isCancelled && state === 'running') {
    await providerOfTarget(parts, facts.target).api.cancel(addressOf(held));
  }
  const hourMs = await firstHour(held, parts);
  const nextAtMs = nowMs + Math.ceil(pollPause(ageMs, hourMs === undefined ? undefined : hourMs - nowMs));
  return { ...batch, isCancelled, failures: 0, fault: undefined, nextAtMs };
}

async function isOfUse({ batch, facts }: HeldBatch, parts: BatchParts, ageMs: number): Promise<boolean> {
  const { jobs, durations, planner, clock } = parts;
  const { batchId } = batch;
  const [waiting] = await jobs.list({ batchId, states: ['batched'], limit: 1 });
  if (waiting !== undefined) return true;
  const live = await jobs.list({ batchId, states: ['live'], limit: 1 });
  const use = { waiting: 0, live: live.length, ageMs, liveMs: planner.liveMs(facts.target) };
  const known = await durations.of(facts.target);
  return keepsRunning(use, batchOutlook(known.durations, known.runningSinceMs, clock.nowMs()));
}

/** When the first of its calls is asked live: looked up once, since calls leave a batch and never join it. Runs of programs have no hours. */
async function firstHour({ batch: { batchId, run } }: HeldBatch, parts: BatchParts): Promise<number | undefined> {
  if (run !== '') return undefined;
  const { hours, jobs } = parts;
  if (hours.has(batchId)) return hours.get(batchId);
  let first = Number.POSITIVE_INFINITY;
  for await (const page of jobPages(jobs, { batchId, states: ['batched'] })) {
    for (const { liveAtMs } of page) first = Math.min(first, liveAtMs ?? Number.POSITIVE_INFINITY);
  }
  const hourMs = first === Number.POSITIVE_INFINITY ? undefined : first;
  hours.set(batchId, hourMs);
  return hourMs;
}
