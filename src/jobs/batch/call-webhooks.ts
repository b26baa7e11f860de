import { FarthingError } from '../../core/errors.ts';
import type { Job } from '../../core/model/deferred-call.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { JobStore } from '../../ports/job-store.ts';
import { SignedPost, type SignedReceiver } from '../signed-post.ts';
import { isTellDue, nextTellAtMs } from './tell-times.ts';
import { webhookBody } from './webhook-body.ts';

/** What {@link CallWebhooks} is made of. @internal */
export interface CallWebhooksOptions {
  readonly jobs: Pick<JobStore, 'list' | 'read' | 'update'>;
  /** Whether an address may still be told, and how it knows us. Asked at each try, since the configuration may have changed. */
  readonly receiverOf: (url: string) => SignedReceiver | undefined;
  readonly clock: Clock;
  /** Told of what was given up, and of a store that fails, as `store-failed` of `webhooks`. */
  readonly events: EventSink;
  /** How often answers are looked for that other processes left, in milliseconds. @defaultValue 30_000 */
  readonly scanMs?: number;
  /** For how long a receiver's answer is waited for, in milliseconds. @defaultValue 10_000 */
  readonly timeoutMs?: number;
}

/** Ours: who is told at once is told by the process that has the answer; the rest are tries that are minutes apart. */
const SCAN_MS = 30_000;

/** Requests under way at a time, and jobs that are in memory for them. Ours: bodies may be large, and receivers are not to be flooded. */
const MAX_SENDING = 8;

/** Answers of this process that wait to be told; more are found by looking. */
const MAX_FRESH = 1_000;

/** For how long nobody else tells what is told for the last time, in milliseconds: longer than a receiver may take. */
const LAST_TRY_MS = 60_000;

/** For how long a receiver is left alone that gave no answer, in milliseconds: it would hold up what is for others. Ours. */
const REST_MS = 30_000;

/** How often a job that others change as well is marked as told before that is left to the next try. */
const MARK_TRIES = 3;

/**
 * Tells clients that their call is answered: signed, without what is in it, and again until they have heard. What is to be told, and when it is tried next, is
 * kept with the jobs: another process, or the next start, goes on. A receiver may hear of a call twice, under one id. Nothing waits for it.
 * @internal
 */
export class CallWebhooks {
  readonly #options: CallWebhooksOptions;
  readonly #post: SignedPost;
  readonly #closing = new AbortController();
  readonly #fresh = new Set<string>();
  /** Until when receivers are left alone, by their origins. */
  readonly #resting = new Map<string, number>();
  #scanAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;

  constructor(options: CallWebhooksOptions) {
    this.#options = options;
    const { clock, timeoutMs } = options;
    this.#post = new SignedPost({ clock, timeoutMs, maxConnections: MAX_SENDING });
  }

  /** Begins to look for what is to be told. */
  start(): void {
    this.#wake(0);
  }

  /** A job is done. Returns at once. */
  onDone({ call }: Job): void {
    if (call.webhookUrl === undefined || this.#closing.signal.aborted) return;
    if (this.#fresh.size < MAX_FRESH) this.#fresh.add(call.callId);
    else this.#scanAtMs = 0;
    this.#wake(0);
  }

  /** Tells nobody any more. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#round;
    await this.#post.close();
  }

  #wake(afterMs: number): void {
    if (this.#closing.signal.aborted || this.#round !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#round = this.#tellAll().finally(() => {
        this.#round = undefined;
        const pauseMs = this.#fresh.size > 0 ? 0 : this.#scanAtMs - this.#options.clock.nowMs();
        this.#wake(Math.min(Math.max(pauseMs, 0), this.#options.scanMs ?? SCAN_MS));
      });
    }, afterMs).unref();
  }

  async #tellAll(): Promise<void> {
    try {
      await this.#tellFresh();
      if (this.#options.clock.nowMs() >= this.#scanAtMs) await this.#scan();
    } catch (error) {
      this.#scanAtMs = this.#options.clock.nowMs() + (this.#options.scanMs ?? SCAN_MS);
      this.#fault('read', error);
    }
  }

  async #tellFresh(): Promise<void> {
    while (this.#fresh.size > 0 && !this.#closing.signal.aborted) {
      const callIds = [...this.#fresh].slice(0, MAX_SENDING);
      for (const callId of callIds) this.#fresh.delete(callId);
      // oxlint-disable-next-line no-await-in-loop -- so that no more than a few are under way
      await this.#tell(await this.#options.jobs.read(callIds));
    }
  }

  /** Looks through all that have not been told, and learns when it must look again. */
  async #scan(): Promise<void> {
    const { jobs, clock, scanMs = SCAN_MS } = this.#options;
    this.#scanAtMs = clock.nowMs() + scanMs;
    let after: { readonly position: number; readonly callId: string } | undefined;
    for (;;) {
      if (this.#closing.signal.aborted) return;
      const query = { states: ['done'], isUntold: true, limit: MAX_SENDING } as const;
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
      const page = await jobs.list(after === undefined ? query : { ...query, after });
      // oxlint-disable-next-line no-await-in-loop -- so that no more than a few are under way
      await this.#tell(page);
      const last = page.at(-1)?.call;
      if (last === undefined || page.length < MAX_SENDING) return;
      after = { position: last.position, callId: last.callId };
    }
  }

  async #tell(jobs: readonly Job[]): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const isRestingOf = jobs.map((job) => this.#restsUntilMs(job) > nowMs);
    const due = jobs.filter((job, index) => isTellDue(job, nowMs) && isRestingOf[index] !== true);
    await Promise.all(due.map((job) => this.#tellOne(job, nowMs)));
    for (const [index, job] of jobs.entries()) {
      if (job.result === undefined || job.toldAtMs !== undefined) continue;
      const nextMs = isTellDue(job, nowMs) ? nextTellAtMs(job.result.finishedAtMs, nowMs) : job.leaseUntilMs;
      const dueAtMs = isRestingOf[index] === true ? this.#restsUntilMs(job) : nextMs;
      if (dueAtMs !== undefined) this.#scanAtMs = Math.min(this.#scanAtMs, dueAtMs);
    }
  }

  #restsUntilMs({ call }: Job): number {
    return this.#resting.get(originOf(call.webhookUrl)) ?? 0;
  }

  async #tellOne(job: Job, nowMs: number): Promise<void> {
    const { call, result, version } = job;
    if (result === undefined || call.webhookUrl === undefined) return;
    const nextMs = nextTellAtMs(result.finishedAtMs, nowMs);
    try {
      // Whoever writes when it is tried next is who tries now.
      const set = { leaseUntilMs: nextMs ?? nowMs + LAST_TRY_MS };
      const [isOurs] = await this.#options.jobs.update([{ callId: call.callId, version, set }]);
      if (isOurs !== true) return;
      const receiver = this.#options.receiverOf(call.webhookUrl);
      const outcome =
        receiver === undefined
          ? ({ kind: 'refused', problem: 'is no longer allowed' } as const)
          : await this.#post.send(receiver, webhookBody(call, result), this.#closing.signal);
      if (this.#closing.signal.aborted && outcome.kind !== 'done') return;
      const isSilent = outcome.kind === 'retry' && outcome.problem instanceof Error;
      if (isSilent) this.#resting.set(originOf(call.webhookUrl), this.#options.clock.nowMs() + REST_MS);
      if (outcome.kind === 'retry' && nextMs !== undefined) return;
      if (outcome.kind !== 'done') this.#givenUp(call.callId, outcome.problem);
      await this.#markTold(call.callId);
    } catch (error) {
      this.#fault('write', error);
    }
  }

  /** If this fails it is told once more. */
  async #markTold(callId: string): Promise<void> {
    const { jobs, clock } = this.#options;
    for (let tries = 0; tries < MARK_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each try depends on the one before
      const [job] = await jobs.read([callId]);
      if (job === undefined || job.toldAtMs !== undefined) return;
      const change = { callId, version: job.version, set: { toldAtMs: clock.nowMs() } };
      // oxlint-disable-next-line no-await-in-loop -- see above
      const [isMade] = await jobs.update([change]);
      if (isMade === true) return;
    }
  }

  #givenUp(callId: string, problem: string | Error): void {
    const text = typeof problem === 'string' ? `: the receiver ${problem}` : '';
    const message = `nobody could be told that call ${callId} is answered${text}`;
    this.#fault('deliver', new FarthingError('internal', message, problem instanceof Error ? { cause: problem } : {}));
  }

  #fault(operation: 'deliver' | 'read' | 'write', error: unknown): void {
    this.#options.events.emit({ kind: 'store-failed', store: 'webhooks', operation, error });
  }
}

function originOf(url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : '';
}
