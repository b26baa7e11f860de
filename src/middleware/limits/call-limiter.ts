import { FarthingError } from '../../core/errors.ts';
import type { CallLimits } from '../../core/limit/call-limits.ts';
import type { CallPriority } from '../../core/model/call-priority.ts';
import type { Caller } from '../../core/model/caller.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { LimitStore } from '../../ports/limit-store.ts';
import { capRefusal, type LimitedParty, rateRefusal } from './limit-refusal.ts';
import { SharedBucket } from './shared-bucket.ts';
import { SharedPermits } from './shared-permits.ts';

/** What {@link CallLimiter} is made from. @internal */
export interface CallLimiterOptions {
  readonly store: LimitStore;
  /** Limits by project; those of keys come with the caller. */
  readonly projects: ReadonlyMap<string, CallLimits>;
  /** Names the process; two limiters of one process are told apart by chance. */
  readonly ownerId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** How often slices, permits and corrections are seen to, in milliseconds; 0: only by `tick`. @defaultValue {@link TICK_MS} */
  readonly tickMs?: number;
}

/** What a call was let in with. @internal */
export interface Admission {
  /**
   * Gives back what the call did not use, and its permits; what it used beyond is taken in arrears. Has an effect once.
   * @param tokens - What it has used; undefined when it never left, which gives everything back.
   */
  settle(tokens: number | undefined): void;
}

/** Short enough that a slice or a correction is with the other processes within half a second. */
const TICK_MS = 250;

/** The part of a concurrency cap that calls of a batch may use together; of a cap of one all of it. Ours. */
const BATCH_CAP_RATIO = 0.9;

/** For how long a limit that nobody uses is remembered, in milliseconds. */
const IDLE_MS = 60_000;

/** Keeps the limits of keys and projects for one process; all processes that share its store keep them together. @internal */
export class CallLimiter {
  readonly #options: CallLimiterOptions;
  readonly #ownerId: string;
  readonly #buckets = new Map<string, SharedBucket>();
  readonly #permits = new Map<string, SharedPermits>();
  /** Runs while there is anything to see to. */
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: CallLimiterOptions) {
    this.#options = options;
    this.#ownerId = `${options.ownerId}.${options.random.hex(8)}`;
  }

  /** Whether any limit bounds the calls of a caller. */
  limits(caller: Caller): boolean {
    return caller.limits !== undefined || this.#options.projects.has(caller.project);
  }

  /**
   * Lets a call in, or refuses it and takes nothing: first the key's limits, then the project's; of each the cap, a request, the tokens. Calls of a batch leave
   * a tenth of each limit to interactive ones, which so find room while a batch runs.
   * @throws FarthingError `concurrency-limited`, `rate-limited`, or `store-unavailable` when the store fails and what this process holds does not suffice
   */
  async admit(caller: Caller, tokens: number): Promise<Admission> {
    const { project, keyId, limits, priority = 'interactive' } = caller;
    const admission = new TakenLimits(tokens, priority);
    try {
      await this.#takeAll(admission, { kind: 'key', name: keyId }, limits);
      await this.#takeAll(admission, { kind: 'project', name: project }, this.#options.projects.get(project));
      return admission;
    } catch (error) {
      admission.settle(undefined);
      throw error;
    }
  }

  /** Gives back what was not used lately, renews leases, tells the store of corrections. Faults are reported. */
  async tick(): Promise<void> {
    const idleSince = this.#options.clock.monotonicMs() - IDLE_MS;
    const work: Promise<void>[] = [];
    for (const kept of [this.#buckets, this.#permits]) {
      for (const [name, limit] of kept) {
        if (limit.idleSince < idleSince) kept.delete(name);
        else work.push(this.#reported('tick', limit.tick()));
      }
    }
    await Promise.all(work);
    if (this.#buckets.size + this.#permits.size === 0) this.#stopTimer();
  }

  /** Gives everything back that no call uses. Faults are reported. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer();
    const all = [...this.#buckets.values(), ...this.#permits.values()];
    await Promise.all(all.map((limit) => this.#reported('close', limit.close())));
  }

  async #takeAll(taken: TakenLimits, party: LimitedParty, limits: CallLimits | undefined): Promise<void> {
    if (limits === undefined) return;
    const { maxConcurrent, requestsPerMinute, tokensPerMinute } = limits;
    if (maxConcurrent !== undefined) {
      const batchCap = Math.max(1, Math.floor(maxConcurrent * BATCH_CAP_RATIO));
      const isBatch = taken.priority === 'batch';
      if (isBatch && !(await this.#holds(taken, `${nameOf(party)}:batch-calls`, batchCap)))
        throw capRefusal(party, limits, batchCap);
      if (!(await this.#holds(taken, `${nameOf(party)}:calls`, maxConcurrent)))
        throw capRefusal(party, limits, maxConcurrent);
    }
    if (requestsPerMinute !== undefined) {
      const bucket = this.#bucketOf(`${nameOf(party)}:requests`, taken.priority, requestsPerMinute);
      const shortage = await this.#asked('take', bucket.take(1, requestsPerMinute));
      if (shortage !== undefined) throw rateRefusal('requests', party, limits, shortage, 1);
      taken.requests.push(bucket);
    }
    if (tokensPerMinute !== undefined && taken.estimate > 0) {
      const bucket = this.#bucketOf(`${nameOf(party)}:tokens`, taken.priority, tokensPerMinute);
      const shortage = await this.#asked('take', bucket.take(taken.estimate, tokensPerMinute));
      if (shortage !== undefined) throw rateRefusal('tokens', party, limits, shortage, taken.estimate);
      taken.tokens.push(bucket);
    }
  }

  #startTimer(): void {
    const { tickMs = TICK_MS } = this.#options;
    if (tickMs === 0 || this.#isClosed) return;
    this.#timer ??= setInterval(() => void this.tick(), tickMs).unref();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #bucketOf(name: string, priority: CallPriority, perMinute: number): SharedBucket {
    const share = `${priority}:${name}`;
    const unmetBefore =
      priority === 'batch' ? (): number => this.#buckets.get(`interactive:${name}`)?.unmet ?? 0 : undefined;
    const bucket = this.#buckets.get(share) ?? new SharedBucket(name, perMinute, this.#options, unmetBefore);
    this.#buckets.set(share, bucket);
    this.#startTimer();
    return bucket;
  }

  /** Takes a permit, if there is one. */
  async #holds(taken: TakenLimits, name: string, limit: number): Promise<boolean> {
    const permits = this.#permitsOf(name, limit);
    const isAdmitted = permits.acquire(limit);
    const holds = isAdmitted === true || (await this.#asked('hold', isAdmitted));
    if (holds) taken.permits.push(permits);
    return holds;
  }

  #permitsOf(name: string, limit: number): SharedPermits {
    const permits = this.#permits.get(name) ?? new SharedPermits(name, limit, this.#ownerId, this.#options);
    this.#permits.set(name, permits);
    this.#startTimer();
    return permits;
  }

  /** Waits for an answer of the store, where one was needed; its fault refuses the call, since limits bound money. */
  async #asked<Answer>(operation: string, answer: Answer | Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      this.#report(operation, error);
      throw new FarthingError('store-unavailable', 'limits cannot be checked at the moment', {
        retryable: true,
        cause: error,
      });
    }
  }

  async #reported(operation: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#report(operation, error);
    }
  }

  #report(operation: string, error: unknown): void {
    this.#options.events.emit({ kind: 'store-failed', store: 'limits', operation, error });
  }
}

function nameOf({ kind, name }: LimitedParty): string {
  return `${kind}:${name}`;
}

/** What a call has taken so far. */
class TakenLimits implements Admission {
  readonly estimate: number;
  readonly priority: CallPriority;
  readonly permits: SharedPermits[] = [];
  readonly requests: SharedBucket[] = [];
  readonly tokens: SharedBucket[] = [];

  constructor(estimate: number, priority: CallPriority) {
    this.estimate = estimate;
    this.priority = priority;
  }

  settle(tokens: number | undefined): void {
    for (const permits of this.permits.splice(0)) permits.release();
    for (const bucket of this.requests.splice(0)) if (tokens === undefined) bucket.correct(1);
    for (const bucket of this.tokens.splice(0)) bucket.correct(this.estimate - (tokens ?? 0));
  }
}
