import type { BatchStage, ProviderBatch } from '../../core/model/provider-batch.ts';
import type { Job } from '../../core/model/deferred-call.ts';
import { GenerationalMap } from '../../core/generational-map.ts';
import { isFarthingError } from '../../core/errors.ts';
import { within } from '../../engine/in-time.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Jobs } from '../../ports/job-store.ts';
import {
  BATCH_WORK_DEFAULTS,
  type BatchParts,
  type BatchWorkSettings,
  type DeferredEngine,
  leaseOf,
  reportFault,
} from './batch-parts.ts';
import type { BatchPlanner } from './batch-planner.ts';
import type { BatchProviders } from './batch-provider.ts';
import type { DurationBook } from './duration-book.ts';
import { EnqueuedLimits } from './enqueued-limits.ts';
import { followStep, isForgotten, lost } from './follow-step.ts';
import { formBatches, type RunFill } from './form-batches.ts';
import { HeldBatch, LeaseLost } from './held-batch.ts';
import { forgetOld, releaseUnconfirmed } from './house-keeping.ts';
import { LiveCalls } from './live-calls.ts';
import { formedStep, stagedStep, stagingStep, submittingStep } from './send-steps.ts';
import { settleStep } from './settle-step.ts';
import { WorkLoop } from './work-loop.ts';

/** What a {@link BatchWorker} is made of. @public */
export interface BatchWorkerOptions {
  readonly jobs: Jobs;
  /** The engine of now: a gateway makes a new one when its configuration changes. */
  readonly engine: () => DeferredEngine;
  readonly providerOf: BatchProviders;
  readonly planner: BatchPlanner;
  readonly durations: DurationBook;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** Told of each job that is done, once in the process that did it; must not throw. @defaultValue nobody is told */
  readonly onDone?: ((job: Job) => void) | undefined;
  /** @defaultValue {@link BATCH_WORK_DEFAULTS} */
  readonly settings?: Partial<BatchWorkSettings>;
}

/** Calls that are remembered as published, about 60 bytes each: more than the largest batch has. Ours. */
const MAX_PUBLISHED = 200_000;

type Step = (held: HeldBatch, parts: BatchParts) => Promise<ProviderBatch>;

/** What is done with a batch, by where it is. */
const STEPS: Readonly<Partial<Record<BatchStage, Step>>> = {
  formed: formedStep,
  staging: stagingStep,
  staged: stagedStep,
  submitting: submittingStep,
  submitted: followStep,
  ended: settleStep,
};

/** How often old jobs are looked for, in milliseconds. Ours: they are kept for days. */
const FORGET_EVERY_MS = 600_000;

/** For how long a stop waits for live calls, in milliseconds, before it breaks them off; and then for what that leaves to write down. Ours. */
const CLOSE_PATIENCE_MS = 5000;
const CLOSE_GRACE_MS = 2000;

/**
 * Moves deferred calls: forms batches, brings them through their providers, settles their results, and asks live what can wait no longer. Any number of
 * them share a store; each step of a batch is written down before it is taken, so that one that dies at any moment is followed by another that knows what may
 * have happened.
 * @example
 * ```ts
 * const worker = new BatchWorker({ jobs, engine: () => engine, providerOf, planner, durations, clock, random, events });
 * worker.start();
 * await worker.close(); // before the engine
 * ```
 * @public
 */
export class BatchWorker {
  readonly #parts: BatchParts;
  readonly #live: LiveCalls;
  readonly #loops: readonly WorkLoop[];
  /** One look at the store after the other: loops that find nothing take no more than one connection. */
  #looking: Promise<unknown> = Promise.resolve();
  readonly #fills = new Map<string, RunFill>();
  #forgetAtMs = 0;

  constructor({ settings, onDone = () => undefined, ...options }: BatchWorkerOptions) {
    this.#parts = {
      ...options,
      onDone,
      settings: { ...BATCH_WORK_DEFAULTS, ...settings },
      workerId: `worker_${options.random.hex(16)}`,
      hours: new Map(),
      enqueued: new EnqueuedLimits(),
      published: new GenerationalMap(MAX_PUBLISHED),
    };
    this.#live = new LiveCalls(this.#parts);
    const { batchConcurrency } = this.#parts.settings;
    this.#loops = [
      this.#loopOf('form', () => this.#form()),
      this.#loopOf('live', () => this.#beginLive()),
      ...Array.from({ length: batchConcurrency }, () => this.#loopOf('batch', () => this.#advanceOne())),
    ];
  }

  /** Works until it is closed. Does not keep a process alive by itself. */
  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  /** Something was added: looks at once. */
  wake(): void {
    for (const loop of this.#loops) loop.wake();
  }

  /** Jobs of a run are being added: none of its batches is formed before it is full, until what is returned is called. Then nothing is waited for any more. */
  fill(run: string): () => void {
    this.#fills.set(run, 'filling');
    return () => {
      this.#fills.set(run, 'filled');
      this.wake();
    };
  }

  /** A run is over in this process. */
  forget(run: string): void {
    this.#fills.delete(run);
  }

  /** One round of all that is due now, begun and ended. For those that own the time: a worker that was started does it by itself. */
  async tick(): Promise<void> {
    await this.#attempt('form', () => this.#form());
    // oxlint-disable-next-line no-await-in-loop -- one after the other, so that one seed is one run
    while (await this.#attempt('batch', () => this.#advanceOne()));
    await this.#attempt('live', () => this.#beginLive());
    await this.#live.idle();
  }

  /** Takes nothing more on. Batches are given back at their next step; live calls have five seconds, and are then broken off and asked again by whoever comes next. */
  async close(): Promise<void> {
    const stopped = Promise.all(this.#loops.map((loop) => loop.close()));
    await within(this.#live.idle(), CLOSE_PATIENCE_MS);
    this.#live.abort();
    await within(
      Promise.all([this.#live.idle(), stopped]).then(() => undefined),
      CLOSE_GRACE_MS,
    );
  }

  #loopOf(operation: string, work: () => Promise<boolean>): WorkLoop {
    return new WorkLoop(() => this.#attempt(operation, work), this.#parts.random);
  }

  /** Whether there may be more to do at once. */
  async #attempt(operation: string, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LeaseLost)) reportFault(this.#parts, operation, error);
      return false;
    }
  }

  async #form(): Promise<boolean> {
    const { clock } = this.#parts;
    await releaseUnconfirmed(this.#parts);
    const formed = await formBatches(this.#parts, (run) => this.#fills.get(run));
    if (clock.nowMs() >= this.#forgetAtMs) {
      await forgetOld(this.#parts);
      this.#forgetAtMs = clock.nowMs() + FORGET_EVERY_MS;
    }
    if (formed > 0) this.wake();
    return false;
  }

  async #inTurn<Found>(look: () => Promise<Found>): Promise<Found> {
    const found = this.#looking.then(look);
    this.#looking = found.catch(() => undefined); // whoever looks hears of it
    return found;
  }

  async #beginLive(): Promise<boolean> {
    await this.#live.renew();
    return this.#inTurn(() => this.#live.begin(() => this.#loops[1]?.wake()));
  }

  /** Takes one batch as far as it goes now. */
  async #advanceOne(): Promise<boolean> {
    const { jobs } = this.#parts;
    const taken = await this.#inTurn(async () => {
      const lease = leaseOf(this.#parts);
      const batch = await jobs.leaseBatch(lease);
      return batch && { batch, leasedAtMs: lease.nowMs };
    });
    if (taken === undefined) return false;
    const held = new HeldBatch(taken.batch, this.#parts, taken.leasedAtMs);
    held.begin();
    try {
      await this.#advance(held);
    } finally {
      held.stop();
    }
    return true;
  }

  async #advance(held: HeldBatch): Promise<void> {
    for (;;) {
      const step = STEPS[held.batch.stage];
      if (step === undefined) return;
      // oxlint-disable-next-line no-await-in-loop -- each step begins where the last one ended
      const next = await this.#stepped(held, step);
      const isDue = next.nextAtMs <= this.#parts.clock.nowMs() && STEPS[next.stage] !== undefined;
      // oxlint-disable-next-line no-await-in-loop
      await held.save(next, isDue);
      if (!isDue) return;
    }
  }

  /** A batch whose provider is gone from the configuration waits until that is put right, while its results are kept, and its calls for their hours. */
  async #stepped(held: HeldBatch, step: Step): Promise<ProviderBatch> {
    try {
      return await step(held, this.#parts);
    } catch (error) {
      if (!isFarthingError(error) || error.code !== 'configuration') throw error;
      if (isForgotten(held, this.#parts)) return lost(held, this.#parts);
      const { clock, settings } = this.#parts;
      return { ...held.batch, fault: error.message, nextAtMs: clock.nowMs() + settings.leaseMs };
    }
  }
}
