import { withOtherCost } from '../../core/batch/both-charged.ts';
import { HeldMoney } from '../../core/batch/held-money.ts';
import { FarthingError } from '../../core/errors.ts';
import { ZERO_USD } from '../../core/money.ts';
import type { CallRecord } from '../../core/model/charge.ts';
import { type Job, type JobResult, wasAskedLive } from '../../core/model/deferred-call.ts';
import type { JobChange } from '../../ports/job-store.ts';
import { type BatchParts, leaseOf, reportFault } from './batch-parts.ts';
import { CollectedReply } from './collected-reply.ts';
import { costOf, joined, publishOnce, tellDone } from './job-result.ts';
import { liveRequest, type LiveTerms } from './live-request.ts';

/**
 * How far the numbers of a call's attempts jump when it is asked: what a process that dies had numbered is never numbered again. Ours: no call has so many
 * retries and fallbacks.
 */
const ATTEMPTS_ASIDE = 1000;

/** The pause before a call that failed is asked again, in milliseconds: the engine has tried several times by then. Ours. */
const PAUSE_MS = 15_000;

/** By how much the clocks of two machines may differ, in milliseconds: so long before its lease ends nothing is spent that another may spend as well. As for budgets. */
const CLOCK_SKEW_MS = 5000;

/** Tries to change a job that others change, too. */
const MAX_TRIES = 8;

/** What asking live came to. */
interface LiveAnswer {
  readonly reply: CollectedReply;
  readonly record: CallRecord;
  readonly isFlex: boolean;
}

/** Asks calls live whose hour has come: as many at a time as is allowed, those first that are due longest. @internal */
export class LiveCalls {
  readonly #parts: BatchParts;
  readonly #closing = new AbortController();
  readonly #running = new Map<string, Job>();
  readonly #tasks = new Set<Promise<void>>();

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /** Begins what is due. Says whether anything was. @throws FarthingError `store-unavailable` */
  async begin(onOver: () => void = () => undefined): Promise<boolean> {
    const { settings, jobs } = this.#parts;
    const free = settings.liveConcurrency - this.#running.size;
    if (free <= 0 || this.#closing.signal.aborted) return false;
    const due = await jobs.leaseLive(leaseOf(this.#parts), free);
    for (const job of due) {
      const task = this.#run(job).finally(() => {
        this.#tasks.delete(task);
        this.#running.delete(job.call.callId);
        onOver();
      });
      this.#tasks.add(task);
    }
    return due.length > 0;
  }

  /** Resolves when nothing is being asked. */
  async idle(): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- what ends may let others begin
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** Breaks off what is being asked: whoever comes next asks it again. */
  abort(): void {
    this.#closing.abort();
  }

  /** Keeps what is being asked from others. */
  async renew(): Promise<void> {
    const { jobs, clock, settings } = this.#parts;
    const untilMs = clock.nowMs() + settings.leaseMs;
    const held = [...this.#running.values()];
    if (held.length === 0) return;
    const changes = held.map(({ call, version }) => ({
      callId: call.callId,
      version,
      set: { leaseUntilMs: untilMs },
    }));
    const made = await jobs.update(changes);
    const missed = held.filter((_, index) => made[index] !== true).map(({ call }) => call.callId);
    for (const [index, job] of held.entries()) {
      if (made[index] === true) this.#note({ ...job, version: job.version + 1, leaseUntilMs: untilMs });
    }
    // Their batch has come back meanwhile: they are renewed the next time.
    for (const job of missed.length === 0 ? [] : await jobs.read(missed)) this.#note(job);
  }

  #note(job: Job): void {
    if (this.#running.has(job.call.callId)) this.#running.set(job.call.callId, job);
  }

  async #run(job: Job): Promise<void> {
    this.#running.set(job.call.callId, job);
    try {
      await this.#ask(job);
    } catch (error) {
      // Its lease lapses, and it is asked again.
      reportFault(this.#parts, 'ask', error);
    }
  }

  async #ask(leased: Job): Promise<void> {
    const { callId } = leased.call;
    // Its batch has answered it since it was last tried.
    if (leased.result?.way === 'batch') return this.#finish(callId, undefined, leased.attempts);
    const job = await this.#numbered(leased);
    if (job === undefined) return;
    const held = await this.#heldFor(job, leased.attempts);
    const { answer, others } = await this.#answer(job, leased.attempts, held);
    const record = others.reduce((sum, other) => withOtherCost(sum, costOf(other)), answer.record);
    const result = resultOf({ ...answer, record }, this.#parts.clock.nowMs());
    if (!isAnswer(answer)) {
      // Whoever closes has broken it off.
      if (this.#closing.signal.aborted) return this.#again(callId, result, 0);
      if (this.#mayTryAgain(job, answer)) return this.#again(callId, result, PAUSE_MS);
    }
    if (job.batchId === undefined && held?.isSpent !== true) await this.#letGo(job, held === undefined);
    await this.#finish(callId, result, record.attempts);
  }

  /** Sets numbers aside. Undefined: somebody else has changed the job, and it is left to its lease. */
  async #numbered(job: Job): Promise<Job | undefined> {
    const { callId } = job.call;
    const attempts = job.attempts + ATTEMPTS_ASIDE;
    const [isMade] = await this.#parts.jobs.update([{ callId, version: job.version, set: { attempts } }]);
    const next = { ...job, attempts, version: job.version + 1 };
    this.#note(next);
    return isMade === true ? next : undefined;
  }

  /**
   * What is held for a call that is in no batch: it pays for what is asked now, and stays held until that is charged. Undefined: the batch may need it, or an earlier attempt has spent it, or
   * may have when its process died.
   */
  async #heldFor({ call, batchId }: Job, attempts: number): Promise<HeldMoney | undefined> {
    if (batchId !== undefined) return undefined;
    const { clock, engine } = this.#parts;
    const { callId, boundNanoUsd: amountNanoUsd, target } = call;
    if (wasAskedLive({ attempts }) && !(await engine().isHeldWhole(callId))) return undefined;
    const mayUse = (): boolean => (this.#running.get(callId)?.leaseUntilMs ?? 0) > clock.nowMs() + CLOCK_SKEW_MS;
    return new HeldMoney({ amountNanoUsd, target, mayUse });
  }

  /** Nothing of what is held was needed: the answer was in the cache, or paid for otherwise, or there is none. */
  async #letGo({ call }: Job, isInDoubt: boolean): Promise<void> {
    const end = { kind: 'none', outcome: 'asked-live', wasAskedLive: isInDoubt } as const;
    await this.#parts.engine().settleDeferred(call, end);
  }

  /** Flex first where that was planned, and live when it has no room. */
  async #answer(
    job: Job,
    attempts: number,
    held: HeldMoney | undefined,
  ): Promise<{ readonly answer: LiveAnswer; readonly others: readonly CallRecord[] }> {
    if (job.liveTier !== 'flex') {
      return { answer: await this.#live(job, { attempts, held, serviceTier: undefined }), others: [] };
    }
    const flex = await this.#live(job, { attempts, held, serviceTier: 'flex' });
    this.#parts.planner.noteFlex(job.call.target, !isAnswer(flex));
    if (isAnswer(flex) || this.#closing.signal.aborted) return { answer: flex, others: [] };
    const later = Math.max(attempts, flex.record.attempts);
    const answer = await this.#live(job, { attempts: later, held, serviceTier: undefined });
    return { answer, others: [flex.record] };
  }

  async #live({ call }: Job, terms: Pick<LiveTerms, 'attempts' | 'held' | 'serviceTier'>): Promise<LiveAnswer> {
    const reply = new CollectedReply();
    let record: CallRecord | undefined;
    const onRecord = (made: CallRecord): void => {
      record = made;
    };
    const { clock, planner } = this.#parts;
    const beganAt = clock.monotonicMs();
    const request = liveRequest(call, { ...terms, signal: this.#closing.signal, onRecord });
    await this.#parts.engine().handle(request, reply);
    if (record === undefined) throw new FarthingError('internal', 'a call that was asked live left no record');
    const answer = { reply, record, isFlex: terms.serviceTier !== undefined };
    // Flex takes its time, and what is refused takes none.
    if (!answer.isFlex && isAnswer(answer)) planner.noteLive(call.target, clock.monotonicMs() - beganAt);
    return answer;
  }

  /** Whether the failure is one that passes, while there is time; and a call that may still come with its batch is not given up for a live one. */
  #mayTryAgain({ call, batchId, liveAtMs }: Job, { reply }: LiveAnswer): boolean {
    const nowMs = this.#parts.clock.nowMs();
    const untilMs = call.deadlineAtMs ?? (liveAtMs ?? nowMs) + this.#parts.settings.liveTryMs;
    const mayPass = reply.status === 0 || reply.status === 402 || reply.status === 429 || reply.status >= 500;
    return (mayPass || batchId !== undefined) && nowMs + PAUSE_MS < untilMs;
  }

  /** Lets it be asked again after a pause; what it has cost so far is kept. */
  #again(callId: string, failed: JobResult, pauseMs: number): Promise<void> {
    const untilMs = this.#parts.clock.nowMs() + pauseMs;
    return this.#change(callId, (job) => {
      if (job.state !== 'live') return undefined;
      const set = { attempts: failed.record.attempts, ...keptOf(failed, job) };
      if (job.result?.way === 'batch') return { set: { ...set, leaseUntilMs: 0 } };
      // The first hour of a call without a deadline tells for how long it is tried.
      if (job.call.deadlineAtMs === undefined) return { set: { ...set, leaseUntilMs: untilMs } };
      // In the pause nobody is at it: its caller may take it back.
      const state = job.batchId === undefined ? 'live' : 'batched';
      return { set: { ...set, state, liveAtMs: untilMs, leaseUntilMs: 0 } };
    });
  }

  /** @param live - what asking live came to; undefined: the batch has answered. */
  #finish(callId: string, live: JobResult | undefined, attempts: number): Promise<void> {
    return this.#change(callId, (job) => {
      if (job.state === 'done') return doneTwice(job, live);
      // Better late than never: what asking live did not answer, the batch may.
      if (job.batchId !== undefined && live?.outcome !== 'complete') {
        const kept = live === undefined ? {} : keptOf(live, job);
        return { set: { state: 'batched', liveAtMs: undefined, leaseUntilMs: 0, attempts, ...kept } };
      }
      const result = live === undefined ? job.result : joined(live, job.result);
      if (result === undefined) return undefined;
      const set = { state: 'done', leaseUntilMs: 0, attempts, result } as const;
      return { set, isDone: true };
    });
  }

  async #change(callId: string, changeOf: (job: Job) => Changed | undefined): Promise<void> {
    const { jobs } = this.#parts;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- somebody else has changed it meanwhile
      const [job] = await jobs.read([callId]);
      const change = job && changeOf(job);
      if (job === undefined || change === undefined) return;
      const { set, isDone = false } = change;
      // A record is final when no batch can add to it. Told first: after a crash nobody would come back to a job that is done.
      if (isDone && job.batchId === undefined && set.result !== undefined) publishOnce(this.#parts, set.result.record);
      // oxlint-disable-next-line no-await-in-loop
      const [isMade] = await jobs.update([{ callId, version: job.version, set }]);
      if (isMade !== true) continue;
      if (isDone) tellDone(this.#parts, { ...job, ...set, version: job.version + 1 });
      return;
    }
  }
}

interface Changed {
  readonly set: JobChange['set'];
  /** Whether the job is done by it. */
  readonly isDone?: boolean;
}

function isAnswer({ reply, record }: LiveAnswer): boolean {
  return record.outcome === 'complete' && reply.status >= 200 && reply.status < 300;
}

function resultOf({ reply, record, isFlex }: LiveAnswer, finishedAtMs: number): JobResult {
  const isCached = record.cacheStatus === 'hit' || record.cacheStatus === 'stale';
  const way = isCached ? 'cache' : isFlex ? 'flex' : 'live';
  const status = reply.status === 0 ? 502 : reply.status;
  return { status, body: reply.text(), way, outcome: record.outcome, finishedAtMs, record };
}

/** What a failure has cost is to be found in the record in the end. */
function keptOf(failed: JobResult, { result }: Job): { readonly result?: JobResult } {
  return failed.record.costNanoUsd === ZERO_USD ? {} : { result: joined(failed, result) };
}

/** Somebody else has finished the job: what this cost is added as long as its record is open. */
function doneTwice({ batchId, result }: Job, live: JobResult | undefined): Changed | undefined {
  if (live === undefined || result === undefined || batchId === undefined) return undefined;
  return { set: { result: { ...result, record: withOtherCost(result.record, costOf(live.record)) } } };
}
