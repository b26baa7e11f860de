import { gatherTime } from '../../core/batch/batch-pace.ts';
import { type QueueFacts, queueFacts } from '../../core/model/deferred-call.ts';
import { parseTarget } from '../../core/model/target.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import { weightedDraw } from '../../core/weighted-draw.ts';
import type { BatchRoom, QueueSummary } from '../../ports/job-store.ts';
import { type BatchParts, leaseOf } from './batch-parts.ts';
import type { BatchProvider } from './batch-provider.ts';

/** Batches that are formed in one go. Ours: what is left is formed in the next round. */
const MAX_FORMED = 100;

/** How far a run is with adding its jobs. @internal */
export type RunFill = 'filling' | 'filled';

/** Digits of chance in a batch's id. */
const ID_DIGITS = 16;

/**
 * Makes batches of what has waited long enough, or fills one. Jobs of runs that are still being added to wait for more.
 * @param fillOf - what this process knows of a run: it is being added to, or all of it is there.
 * @returns how many were made.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function formBatches(parts: BatchParts, fillOf: (run: string) => RunFill | undefined): Promise<number> {
  let formed = 0;
  for (const summary of await parts.jobs.queues()) {
    // oxlint-disable-next-line no-await-in-loop -- each changes what the others find under way
    formed += await formQueue(parts, summary, fillOf(summary.run));
  }
  return formed;
}

async function formQueue(parts: BatchParts, summary: QueueSummary, fill: RunFill | undefined): Promise<number> {
  const { target, inputsEach } = queueFacts(summary.queue);
  const provider = parts.providerOf(parseTarget(target)?.provider ?? '');
  // Nobody takes them: those with an hour are asked live then.
  if (provider === undefined) return 0;
  let left: Pick<QueueSummary, 'jobs' | 'sizeBytes' | 'inputTokens'> = summary;
  let formed = 0;
  while (left.jobs > 0 && formed < MAX_FORMED) {
    // oxlint-disable-next-line no-await-in-loop -- one batch after the other is taken out of the queue
    const room = await roomOf(parts, { target, inputsEach }, provider);
    if (room === undefined || !isDue(parts, { ...summary, ...left }, room, fill)) return formed;
    // oxlint-disable-next-line no-await-in-loop
    const batch = await formOne(parts, summary, room, provider);
    if (batch === undefined) return formed;
    formed += 1;
    left = {
      jobs: left.jobs - batch.requests,
      sizeBytes: left.sizeBytes - batch.sizeBytes,
      inputTokens: left.inputTokens - batch.inputTokens,
    };
  }
  return formed;
}

/** How much a batch of a target may hold now; undefined: its provider lets nothing more be enqueued. */
async function roomOf(
  { jobs, enqueued, settings, clock }: BatchParts,
  { target, inputsEach }: Pick<QueueFacts, 'target' | 'inputsEach'>,
  { api: { limits } }: BatchProvider,
): Promise<BatchRoom | undefined> {
  const underWay = (await jobs.batches({})).filter(
    ({ queue, stage }) => stage !== 'ended' && queueFacts(queue).target === target,
  );
  const tokens = underWay.reduce((sum, { inputTokens }) => sum + inputTokens, 0);
  const maxInputTokens = enqueued.room(target, settings.maxEnqueuedTokens(target), tokens, clock.nowMs());
  if (maxInputTokens <= 0) return undefined;
  const { maxBytes, lineBytes, maxInputs = Number.POSITIVE_INFINITY } = limits;
  const maxRequests = Math.max(1, Math.min(limits.maxRequests, Math.floor(maxInputs / inputsEach)));
  return { maxRequests, maxBytes, lineBytes, maxInputTokens };
}

function isDue(
  { clock, settings }: BatchParts,
  { jobs, sizeBytes, inputTokens, oldestAtMs, earliestLiveAtMs }: QueueSummary,
  room: BatchRoom,
  fill: RunFill | undefined,
): boolean {
  const nowMs = clock.nowMs();
  const isFull =
    jobs >= room.maxRequests ||
    sizeBytes + jobs * room.lineBytes >= room.maxBytes ||
    inputTokens >= room.maxInputTokens;
  if (fill === 'filled') return true;
  if (fill === 'filling') return isFull;
  const slackMs = earliestLiveAtMs === undefined ? undefined : earliestLiveAtMs - nowMs;
  return nowMs >= oldestAtMs + gatherTime(slackMs, isFull, settings.gatherMs);
}

async function formOne(
  parts: BatchParts,
  { queue, run }: QueueSummary,
  room: BatchRoom,
  provider: BatchProvider,
): Promise<ProviderBatch | undefined> {
  const { jobs, random } = parts;
  const lease = leaseOf(parts);
  const { keyWeights = [] } = provider;
  const empty: ProviderBatch = {
    batchId: `fb_${random.hex(ID_DIGITS)}`,
    queue,
    run,
    stage: 'formed',
    formedAtMs: lease.nowMs,
    requests: 0,
    sizeBytes: 0,
    inputTokens: 0,
    keyIndex: keyWeights.length === 0 ? undefined : weightedDraw(keyWeights, random.fraction()).index,
    stagedId: undefined,
    submittingAtMs: undefined,
    providerId: undefined,
    submittedAtMs: undefined,
    endedAtMs: undefined,
    nextAtMs: lease.nowMs,
    failures: 0,
    isCancelled: false,
    fault: undefined,
  };
  const batch = await jobs.form(empty, room, lease);
  // Whoever is free takes it on.
  if (batch !== undefined) await jobs.saveBatch(batch, leaseOf(parts), false);
  return batch;
}
