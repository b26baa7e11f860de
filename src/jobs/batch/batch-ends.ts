import { withOtherCost } from '../../core/batch/both-charged.ts';
import { afterUnanswered } from '../../core/batch/unanswered.ts';
import { FarthingError } from '../../core/errors.ts';
import type { Charge } from '../../core/model/charge.ts';
import type { Job, JobResult } from '../../core/model/deferred-call.ts';
import type { ProviderBatch } from '../../core/model/provider-batch.ts';
import type { JobChange } from '../../ports/job-store.ts';
import type { BatchParts } from './batch-parts.ts';
import { faultResult, joined, type JobFault, publishOnce, tellDone, unansweredFault } from './job-result.ts';

/** What came of one call in a batch. @internal */
export type BatchEnd =
  | { readonly callId: string; readonly kind: 'reply'; readonly status: number; readonly body: string }
  | {
      readonly callId: string;
      readonly kind: 'none';
      readonly fault: JobFault;
      /** Whether asking the same again may help. */
      readonly mayRetry: boolean;
      /** Whether it waits again whatever its policy says: it was never asked. */
      readonly isUnasked?: boolean;
      /** Whether it may have been answered and billed. Then it is in no further batch: the attempt of batches has been made. */
      readonly isUnknown?: boolean;
    };

/** A change of a job, and what is to be done once it is made. */
interface Move {
  readonly change: JobChange;
  readonly made?: (() => void) | undefined;
}

/** Tries to change jobs that others change, too. Ours: each has at most a live call, a cancellation and a batch. */
const MAX_TRIES = 5;

const BUSY = 'others change the calls of this batch all the time';

/**
 * Takes what batches came to, job by job: charges it, keeps the answer, lets the unanswered wait again, asks them live or lets them fail. Each job leaves its
 * batch as it is seen to, so that all can be gone through again after a crash: what was seen to is passed over.
 * @internal
 */
export class BatchEnds {
  readonly #parts: BatchParts;

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /**
   * @throws FarthingError `store-unavailable` when a charge or a change was not taken: all is to be handed over again.
   */
  async take(batch: ProviderBatch, ends: readonly BatchEnd[]): Promise<void> {
    let open = ends;
    for (let tries = 0; open.length > 0 && tries < MAX_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- only what others have changed meanwhile is looked at again
      open = await this.#takeOnce(batch, open);
    }
    // Left alone they would be taken for calls without an answer, and what was paid for be asked again.
    if (open.length > 0) throw new FarthingError('store-unavailable', BUSY, { retryable: true });
  }

  async #takeOnce(batch: ProviderBatch, ends: readonly BatchEnd[]): Promise<readonly BatchEnd[]> {
    const { jobs } = this.#parts;
    const found = new Map((await jobs.read(ends.map(({ callId }) => callId))).map((job) => [job.call.callId, job]));
    const asked = await Promise.allSettled(ends.map((end) => this.#moveOf(batch, found.get(end.callId), end)));
    const moves = asked.map((move) => {
      if (move.status === 'rejected') throw move.reason;
      return move.value;
    });
    const wanted = moves.filter((move) => move !== undefined);
    const made = wanted.length === 0 ? [] : await jobs.update(wanted.map(({ change }) => change));
    const missed = new Set<string>();
    const kept: string[] = [];
    for (const [index, { change, made: tell }] of wanted.entries()) {
      if (made[index] === true) tell?.();
      else missed.add(change.callId);
      const isOver = made[index] === true && change.set.state === 'done';
      if (isOver && found.get(change.callId)?.call.customId !== undefined) kept.push(change.callId);
    }
    // Rows of a client's own batch: what came of them is at the provider, and in the ledger.
    if (kept.length > 0) await jobs.remove(kept);
    return ends.filter(({ callId }) => missed.has(callId));
  }

  async #moveOf(batch: ProviderBatch, job: Job | undefined, end: BatchEnd): Promise<Move | undefined> {
    const { batchId } = batch;
    if (job === undefined) {
      this.#parts.events.emit({ kind: 'batch-row-unknown', batchId, customId: end.callId });
      return undefined;
    }
    if (job.batchId !== batchId) {
      // It has been seen to, by who settled this batch before and may have died before its record was told.
      const { state, result } = job;
      if (state === 'done' && job.batchId === undefined && result !== undefined)
        publishOnce(this.#parts, result.record);
      return undefined;
    }
    if (end.kind === 'none') return this.#unanswered(batch, job, end);
    if (!isTemporary(end.status)) return this.#answered(job, end);
    const fault = unansweredFault(`status-${end.status}`);
    const unanswered = { callId: end.callId, kind: 'none', fault, mayRetry: true } as const;
    // The provider's own words, where nothing else will come.
    const policy = job.state === 'batched' ? await this.#policyOf(batch, job, true) : 'batch';
    return policy === 'fail' ? this.#answered(job, end) : this.#unanswered(batch, job, unanswered);
  }

  async #answered(job: Job, { status, body }: Extract<BatchEnd, { kind: 'reply' }>): Promise<Move> {
    const { clock, engine } = this.#parts;
    const { charge, record } = await engine().settleDeferred(job.call, {
      kind: 'reply',
      status,
      body,
      serviceTier: 'batch',
    });
    if (job.state === 'done') return this.#finalMove(job, charge);
    const result: JobResult = {
      status,
      // A client's own batch: its answers are fetched where they are.
      body: job.call.customId === undefined ? body : '',
      way: 'batch',
      outcome: record.outcome,
      finishedAtMs: clock.nowMs(),
      record,
    };
    // It is being asked live: whoever does that finds this answer, and puts both together.
    if (job.state === 'live') return moveOf(job, { batchId: undefined, result: joined(result, job.result) });
    return this.#doneMove(job, result);
  }

  async #unanswered(
    batch: ProviderBatch,
    job: Job,
    { fault, mayRetry, isUnasked = false, isUnknown = false }: Extract<BatchEnd, { kind: 'none' }>,
  ): Promise<Move> {
    const { clock, engine } = this.#parts;
    // A client's own batch is never sent anew: nobody would tell the client.
    const isRequeued = isUnasked && job.call.customId === undefined;
    const policy = isRequeued ? 'batch' : await this.#policyOf(batch, job, mayRetry);
    const mayGoOn = job.state === 'batched';
    if (mayGoOn && policy === 'batch') return moveOf(job, { state: 'waiting', batchId: undefined });
    // What is held for it pays for that.
    if (mayGoOn && policy === 'live' && !isUnknown) return moveOf(job, this.#askedLive(job));
    const end = { kind: isUnknown ? 'unknown' : 'none', outcome: fault.outcome } as const;
    const { charge, record } = await engine().settleDeferred(job.call, end);
    if (job.state === 'done') return this.#finalMove(job, charge);
    const result = faultResult(job, fault, record, clock.nowMs());
    // What it may have cost is to be found in the record in the end.
    const kept = isUnknown ? { result: joined(result, job.result) } : {};
    if (job.state === 'live') return moveOf(job, { batchId: undefined, ...kept });
    if (policy === 'live') return moveOf(job, { ...this.#askedLive(job), ...kept, attempts: job.attempts + 1 });
    const move = this.#doneMove(job, result);
    // First: it leaves the batch, and nobody would come back to it. Nobody else ends a job that may only fail.
    if (move.change.set.result !== undefined) publishOnce(this.#parts, move.change.set.result.record);
    return move;
  }

  #askedLive({ liveAtMs = Number.POSITIVE_INFINITY }: Job): JobChange['set'] {
    const nowMs = this.#parts.clock.nowMs();
    return { state: 'live', batchId: undefined, liveAtMs: Math.min(liveAtMs, nowMs), leaseUntilMs: 0 };
  }

  async #policyOf(
    batch: ProviderBatch,
    job: Job,
    mayRetry: boolean,
  ): Promise<NonNullable<Job['call']['onUnanswered']>> {
    const { clock, planner, settings } = this.#parts;
    const { call } = job;
    return afterUnanswered(job, {
      isCancelled: batch.isCancelled,
      mayRetry,
      maxBatches: settings.maxBatches,
      isBatchWorthIt: call.deadlineAtMs !== undefined && (await planner.isBatchWorthIt(call, clock.nowMs())),
    });
  }

  #doneMove(job: Job, own: JobResult): Move {
    const result = joined(own, job.result);
    const set = { state: 'done', batchId: undefined, leaseUntilMs: 0, result } as const;
    return moveOf(job, set, () => {
      publishOnce(this.#parts, result.record);
      tellDone(this.#parts, { ...job, ...set, version: job.version + 1 });
    });
  }

  /** The call was answered live, and its batch has come to its end as well: now all is known that it cost. */
  #finalMove(job: Job, { amountNanoUsd, certainty }: Charge): Move {
    const { result } = job;
    if (result === undefined) return moveOf(job, { batchId: undefined });
    // What was taken back has no cost of its own: all that was unknown of it is known now.
    const own = result.way === 'none' ? { ...result.record, isEstimate: false } : result.record;
    const record = withOtherCost(own, { amountNanoUsd, isEstimate: certainty === 'estimate' });
    publishOnce(this.#parts, record);
    return moveOf(job, { batchId: undefined, result: { ...result, record } });
  }
}

function moveOf({ call, version }: Job, set: JobChange['set'], made?: () => void): Move {
  return { change: { callId: call.callId, version, set }, made };
}

/** The provider could not, and may be able to another time: as for live calls. */
function isTemporary(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}
