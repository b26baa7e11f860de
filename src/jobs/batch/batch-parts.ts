import { FarthingError, isFarthingError } from '../../core/errors.ts';
import type { GenerationalMap } from '../../core/generational-map.ts';
import type { Job } from '../../core/model/deferred-call.ts';
import { parseTarget } from '../../core/model/target.ts';
import type { Engine } from '../../engine/engine-request.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Jobs, WorkLease } from '../../ports/job-store.ts';
import type { BatchPlanner } from './batch-planner.ts';
import type { BatchProvider, BatchProviders } from './batch-provider.ts';
import type { DurationBook } from './duration-book.ts';
import type { EnqueuedLimits } from './enqueued-limits.ts';

/** The engine as far as deferred calls need it. @public */
export type DeferredEngine = Pick<Engine, 'handle' | 'settleDeferred' | 'isHeldWhole' | 'publish'>;

/** How a worker works. @public */
export interface BatchWorkSettings {
  /** For how long a queue gathers at the most, in milliseconds. @defaultValue 60_000 */
  readonly gatherMs: number;
  /** For how long a batch or a live call is a worker's, in milliseconds, unless it renews that: how long it takes until one that died is followed by another. @defaultValue 60_000 */
  readonly leaseMs: number;
  /** After how long a call that was accepted and not confirmed is released, in milliseconds. @defaultValue 300_000 */
  readonly acceptGraceMs: number;
  /** How long after a submission whose answer was lost the provider is believed that it is not there, in milliseconds. @defaultValue 120_000 */
  readonly submitGraceMs: number;
  /** Calls asked live at a time. @defaultValue 16 */
  readonly liveConcurrency: number;
  /** In how many batches a job may be. @defaultValue 3 */
  readonly maxBatches: number;
  /** For how long a call without a deadline is tried live, from the first try, in milliseconds. @defaultValue 600_000 */
  readonly liveTryMs: number;
  /** How long jobs of a gateway's clients are kept when they are done and their clients were told, in milliseconds. @defaultValue 604_800_000 (seven days) */
  readonly retentionMs: number;
  /** Batches that are worked on at a time. @defaultValue 4 */
  readonly batchConcurrency: number;
  /** Tokens of input that a provider lets be enqueued for a target. @defaultValue no limit, until the provider names one */
  readonly maxEnqueuedTokens: (target: string) => number | undefined;
}

/** Ours, each for the reason that its field states. @public */
export const BATCH_WORK_DEFAULTS: BatchWorkSettings = {
  gatherMs: 60_000,
  leaseMs: 60_000,
  acceptGraceMs: 300_000,
  submitGraceMs: 120_000,
  liveConcurrency: 16,
  maxBatches: 3,
  liveTryMs: 600_000,
  retentionMs: 604_800_000,
  batchConcurrency: 4,
  maxEnqueuedTokens: () => undefined,
};

/** What all parts of a worker share. @internal */
export interface BatchParts {
  readonly jobs: Jobs;
  /** The engine of now: a gateway makes a new one when its configuration changes. */
  readonly engine: () => DeferredEngine;
  readonly providerOf: BatchProviders;
  readonly planner: BatchPlanner;
  readonly durations: DurationBook;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly settings: BatchWorkSettings;
  readonly workerId: string;
  /** When the first job of a batch is asked live, as far as this worker has looked; undefined: none is. */
  readonly hours: Map<string, number | undefined>;
  readonly enqueued: EnqueuedLimits;
  /** Calls whose final record this process has published: none is counted twice when a settlement is gone through again. */
  readonly published: GenerationalMap<string, true>;
  /** Told of each job that is done; must not throw. */
  readonly onDone: (job: Job) => void;
}

/** What a worker takes hold of something with. @internal */
export function leaseOf({ workerId, clock, settings }: BatchParts): WorkLease {
  return { workerId, nowMs: clock.nowMs(), leaseMs: settings.leaseMs };
}

/** The provider of a target. @throws FarthingError `configuration` when it is gone, or takes no batches any more. @internal */
export function providerOfTarget({ providerOf }: Pick<BatchParts, 'providerOf'>, target: string): BatchProvider {
  const provider = providerOf(parseTarget(target)?.provider ?? '');
  if (provider !== undefined) return provider;
  throw new FarthingError('configuration', `no provider is configured that takes batches for ${target}`);
}

/** Reports what stopped a piece of work; it is tried again. @internal */
export function reportFault({ events }: Pick<BatchParts, 'events'>, operation: string, error: unknown): void {
  if (isFarthingError(error)) events.emit({ kind: 'store-failed', store: 'jobs', operation, error });
  else events.emit({ kind: 'internal-fault', callId: '', error });
}
