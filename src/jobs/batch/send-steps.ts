import { backoffMs } from '../../core/backoff.ts';
import { isFarthingError } from '../../core/errors.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import type { FoundBatch } from '../../ports/batch-api.ts';
import { type BatchParts, providerOfTarget } from './batch-parts.ts';
import { shipmentOf } from './batch-shipment.ts';
import type { HeldBatch } from './held-batch.ts';
import { releaseJobs } from './release-jobs.ts';

/** Pauses after a step that failed. Ours: a provider that is down is back within minutes, or not today. */
const BACKOFF = { baseMs: 5000, capMs: 300_000 };

/** Refusals in a row that are taken for good. Ours: a key that is being changed, a service that is being set up, are back by then. */
const MAX_REFUSALS = 5;

/** How long after a look that found nothing the second one comes, in milliseconds. Ours: lists of providers lag by seconds. */
const SECOND_LOOK_MS = 30_000;

/** What a batch's fault says when it is taken apart again: some of its calls are not to be sent any more. */
const DISSOLVED = 'dissolved';

/** What its fault says while a provider did not have it at one look. */
const ABSENT_ONCE = 'absent at the first look';

/** The pause before a step that failed is taken again. */
function pauseAfter({ random }: BatchParts, failures: number): number {
  // Half of it is certain: nobody asks a provider that has just failed at once.
  const longest = Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** (failures - 1));
  return Math.ceil(longest / 2) + backoffMs(1, { baseMs: longest / 2, capMs: longest / 2 }, random.fraction());
}

/** Nothing of it is at the provider. @internal */
export async function formedStep(held: HeldBatch, parts: BatchParts): Promise<ProviderBatch> {
  const { batch } = held;
  if (await mustEnd(held, parts)) return abandoned(held, parts);
  return { ...batch, stage: 'staging' };
}

/** Its file may be at the provider. @internal */
export async function stagingStep(held: HeldBatch, parts: BatchParts): Promise<ProviderBatch> {
  const { batch, facts, cameFrom } = held;
  if (await mustEnd(held, parts)) return abandoned(held, parts);
  const { api } = providerOfTarget(parts, facts.target);
  try {
    const stagedId = await api.stage(shipmentOf(held, parts.jobs), cameFrom !== 'formed');
    return { ...batch, stage: 'staged', stagedId, failures: 0 };
  } catch (error) {
    return refused(held, parts, error);
  }
}

/** Its file is at the provider, and it is not. @internal */
export async function stagedStep(held: HeldBatch, parts: BatchParts): Promise<ProviderBatch> {
  const { batch } = held;
  if (await mustEnd(held, parts)) return abandoned(held, parts);
  return { ...batch, stage: 'submitting', submittingAtMs: parts.clock.nowMs() };
}

/** It may be at the provider. Sent by who has just written that down; by anybody else it is looked for. @internal */
export async function submittingStep(held: HeldBatch, parts: BatchParts): Promise<ProviderBatch> {
  if (held.cameFrom !== 'staged') return lookedFor(held, parts);
  const { batch, facts } = held;
  const { api } = providerOfTarget(parts, facts.target);
  held.mustBeFresh();
  try {
    const providerId = await api.submit(shipmentOf(held, parts.jobs), batch.stagedId);
    return submitted(held, parts, providerId);
  } catch (error) {
    const isKnown = wasRefused(error);
    held.cameFrom = undefined;
    if (isKnown) return refused(held, parts, error, 'staged');
    return later(held, parts, error);
  }
}

async function lookedFor(held: HeldBatch, parts: BatchParts): Promise<ProviderBatch> {
  const { batch, facts } = held;
  const { jobs, clock, settings } = parts;
  const { api } = providerOfTarget(parts, facts.target);
  const underWay = await jobs.batches({});
  const over = await jobs.batches({ settledSinceMs: batch.formedAtMs });
  const known = new Set([...underWay, ...over].flatMap(({ providerId }) => providerId ?? []));
  let found: FoundBatch;
  try {
    // Since it was formed: an earlier try that was given up may have arrived after all.
    found = await api.find(shipmentOf(held, jobs), batch.formedAtMs, (id) => known.has(id));
  } catch (error) {
    return later(held, parts, error);
  }
  if (found.kind === 'found') return submitted(held, parts, found.providerId);
  if (found.kind === 'unsure')
    return later(held, parts, undefined, 'one that may be it cannot be told from others yet');
  const nowMs = clock.nowMs();
  const graceEndsMs = (batch.submittingAtMs ?? batch.formedAtMs) + settings.submitGraceMs;
  if (nowMs < graceEndsMs) return { ...batch, nextAtMs: graceEndsMs };
  if (batch.fault !== ABSENT_ONCE) return { ...batch, fault: ABSENT_ONCE, nextAtMs: nowMs + SECOND_LOOK_MS };
  if (await isAdopted(held, parts)) {
    // The client that sent it never heard of it: he sends it again, or does not.
    await releaseJobs(held, parts, { kind: 'refused', message: 'it never arrived' });
    return { ...batch, stage: 'abandoned' };
  }
  return { ...batch, stage: 'staged', fault: undefined, failures: 0 };
}

/** Whether a client made the batch himself. */
async function isAdopted({ batch: { batchId } }: HeldBatch, { jobs }: BatchParts): Promise<boolean> {
  const [job] = await jobs.list({ batchId, limit: 1 });
  return job?.call.customId !== undefined;
}

function submitted({ batch, facts }: HeldBatch, { clock, events }: BatchParts, providerId: string): ProviderBatch {
  const nowMs = clock.nowMs();
  const { batchId, requests } = batch;
  events.emit({ kind: 'batch-submitted', batchId, providerId, target: facts.target, requests });
  const submittedAtMs = batch.submittingAtMs ?? nowMs;
  return { ...batch, stage: 'submitted', providerId, submittedAtMs, failures: 0, fault: undefined };
}

/** Whether nothing of the batch can be at the provider, by the error alone. */
function wasRefused(error: unknown): boolean {
  if (!isFarthingError(error)) return false;
  if (error.code === 'provider-unreachable') return true;
  // A server that failed may have failed after it took the batch.
  return error.code === 'provider-failed' && error.status < 500 && error.status !== 408 && error.status !== 409;
}

/** The step is taken again later. @internal */
export function later({ batch }: HeldBatch, parts: BatchParts, error: unknown, fault?: string): ProviderBatch {
  if (error !== undefined && !isFarthingError(error)) throw error;
  const failures = batch.failures + 1;
  const nextAtMs = parts.clock.nowMs() + pauseAfter(parts, failures);
  return { ...batch, failures, nextAtMs, fault: isFarthingError(error) ? error.message : fault };
}

/** The provider has said no: it is asked again, unless it says so again and again. */
async function refused(
  held: HeldBatch,
  parts: BatchParts,
  error: unknown,
  stage: ProviderBatch['stage'] = held.batch.stage,
): Promise<ProviderBatch> {
  const next = { ...later(held, parts, error), stage };
  const isForGood = isFarthingError(error) && error.code === 'provider-failed' && !error.retryable;
  if (!isForGood) return next;
  // The file is gone: it is put there again.
  if (error.status === 404 && next.stagedId !== undefined && next.failures < MAX_REFUSALS) {
    return { ...next, stage: 'staging', stagedId: undefined };
  }
  if (next.failures < MAX_REFUSALS) return next;
  const { batchId } = next;
  parts.events.emit({ kind: 'batch-refused', batchId, target: held.facts.target, reason: error.message });
  await releaseJobs(held, parts, { kind: 'refused', message: error.message });
  return { ...next, stage: 'abandoned' };
}

/** Whether nothing of the batch is to be sent any more: it is cancelled, or some of its calls were asked live meanwhile. */
async function mustEnd({ batch }: HeldBatch, { jobs }: BatchParts): Promise<boolean> {
  const { batchId, isCancelled, fault, client } = batch;
  // Who took a client's own batch has died before it was sent: its client never heard of it.
  if (isCancelled || fault === DISSOLVED || client !== undefined) return true;
  return (await jobs.list({ batchId, states: ['live', 'done'], limit: 1 })).length > 0;
}

async function abandoned(held: HeldBatch, parts: BatchParts): Promise<ProviderBatch> {
  // Before the first job leaves it: whoever goes on after a crash must not send what is left.
  if (held.batch.fault !== DISSOLVED) await held.save({ ...held.batch, fault: DISSOLVED }, true);
  await releaseJobs(held, parts, held.batch.isCancelled ? { kind: 'cancelled' } : { kind: 'unasked' });
  await unstage(held, parts);
  return { ...held.batch, stage: 'abandoned' };
}

/** Takes away what staging left. A provider that does not let go of it, or is gone, is asked no more: it costs nothing there. @internal */
export async function unstage({ batch, facts }: HeldBatch, parts: BatchParts): Promise<void> {
  const { stagedId, keyIndex } = batch;
  if (stagedId === undefined) return;
  try {
    await providerOfTarget(parts, facts.target).api.unstage({ headers: facts.headers, keyIndex }, stagedId);
  } catch (error) {
    if (!isFarthingError(error)) throw error;
  }
}
