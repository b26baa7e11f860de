import {
  type BatchDurations,
  type BatchEnd,
  NO_DURATIONS,
  observed,
  readDurations,
} from '../../core/batch/batch-durations.ts';
import { isFarthingError } from '../../core/errors.ts';
import { queueFacts } from '../../core/model/deferred-call.ts';
import { parseTarget } from '../../core/model/target.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Jobs } from '../../ports/job-store.ts';
import type { StateStore } from '../../ports/state-store.ts';

/** What a {@link DurationBook} is made of. @public */
export interface DurationBookOptions {
  /** Undefined: what is learnt is forgotten with the process. */
  readonly states: StateStore | undefined;
  /** Where the batches under way are found: on a slow day they are the first to tell. */
  readonly jobs: Pick<Jobs, 'batches'>;
  readonly clock: Clock;
  readonly events: EventSink;
}

const NAMESPACE = 'batch-durations';

/** How old what other processes have learnt may be here, in milliseconds. Ours: batches take minutes. */
const FRESH_MS = 60_000;

/** How long nothing need be heard of a provider until what is known of it is forgotten, in milliseconds: 30 days. Ours. */
const TTL_MS = 2_592_000_000;

/** Tries to write against other processes. Ours: what is lost is one observation. */
const MAX_TRIES = 5;

/** What is known of a provider's batches. @public */
export interface KnownDurations {
  readonly durations: BatchDurations;
  /** When each of those under way was submitted, in Unix milliseconds. */
  readonly runningSinceMs: readonly number[];
}

/** How long the batches of each provider take, as far as all processes have seen. @public */
export class DurationBook {
  readonly #options: DurationBookOptions;
  readonly #known = new Map<string, KnownDurations & { readonly atMs: number }>();

  constructor(options: DurationBookOptions) {
    this.#options = options;
  }

  /** What is known of a target's provider. Never rejects: without a store it is what this process has seen. */
  async of(target: string): Promise<KnownDurations> {
    const provider = providerIn(target);
    const known = this.#known.get(provider);
    const nowMs = this.#options.clock.nowMs();
    if (known !== undefined && nowMs < known.atMs + FRESH_MS) return known;
    const durations = (await this.#read(provider))?.durations ?? known?.durations ?? NO_DURATIONS;
    const now = { durations, runningSinceMs: await this.#running(provider), atMs: nowMs };
    this.#known.set(provider, now);
    return now;
  }

  /** Notes how a batch ended. Never rejects. */
  async observe(target: string, end: BatchEnd): Promise<void> {
    const provider = providerIn(target);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- another process was faster
      if (await this.#write(provider, end)) return;
    }
  }

  async #write(provider: string, end: BatchEnd): Promise<boolean> {
    const { states, clock } = this.#options;
    const stored = await this.#read(provider);
    const known = stored?.durations ?? this.#known.get(provider)?.durations ?? NO_DURATIONS;
    const durations = observed(known, end);
    if (states !== undefined) {
      const terms = { ttlMs: TTL_MS, expectedVersion: stored?.version ?? 0 };
      const isWritten = await states
        .write(keyOf(provider), JSON.stringify(durations), terms)
        .then((write) => write.isWritten, this.#missed('write'));
      if (isWritten === false) return false;
    }
    this.#known.set(provider, { durations, runningSinceMs: await this.#running(provider), atMs: clock.nowMs() });
    return true;
  }

  async #running(provider: string): Promise<readonly number[]> {
    const batches = (await this.#options.jobs.batches({}).catch(this.#missed('batches', 'jobs'))) ?? [];
    return batches.flatMap(({ queue, stage, submittedAtMs }) => {
      const isRunning = stage === 'submitted' && providerIn(queueFacts(queue).target) === provider;
      return isRunning && submittedAtMs !== undefined ? [submittedAtMs] : [];
    });
  }

  async #read(provider: string): Promise<{ readonly durations: BatchDurations; readonly version: number } | undefined> {
    const stored = await this.#options.states?.read(keyOf(provider)).catch(this.#missed('read'));
    return stored === undefined ? undefined : { durations: durationsIn(stored.value), version: stored.version };
  }

  #missed(operation: string, store: 'states' | 'jobs' = 'states'): (error: unknown) => undefined {
    return (error) => {
      if (!isFarthingError(error)) throw error;
      this.#options.events.emit({ kind: 'store-failed', store, operation, error });
      return undefined;
    };
  }
}

function keyOf(provider: string): string {
  return `${NAMESPACE}/${provider}`;
}

function providerIn(target: string): string {
  return parseTarget(target)?.provider ?? target;
}

function durationsIn(value: string): BatchDurations {
  try {
    return readDurations(JSON.parse(value));
  } catch {
    return NO_DURATIONS; // written by something else: learnt anew
  }
}
