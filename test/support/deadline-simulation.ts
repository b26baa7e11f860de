import { type BatchDurations, NO_DURATIONS, observed } from '../../src/core/batch/batch-durations.ts';
import { batchOutlook } from '../../src/core/batch/batch-outlook.ts';
import { gatherTime, keepsRunning, LAST_LOOK_MS, pollPause } from '../../src/core/batch/batch-pace.ts';
import { type BatchPlan, batchPlan, type BatchPlanInput } from '../../src/core/batch/batch-plan.ts';
import { callTimeBound, type CallTimes, callTook, NO_CALL_TIMES } from '../../src/core/batch/call-times.ts';
import { flexAsked, flexFailureRatio, type FlexRecord, NO_FLEX } from '../../src/core/batch/flex-record.ts';
import { LiveSlots } from '../../src/core/batch/live-slots.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { quantile } from '../../bench/support/quantile.ts';
import { seededChance } from './cache-traces.ts';
import { type DeadlineCall, type DeadlineWorld, liveCallMs } from './deadline-worlds.ts';
import { TimedEvents } from './timed-events.ts';

/** How calls are planned. */
export type DeadlinePolicy = (input: BatchPlanInput) => BatchPlan;

/** What a simulated week came to. */
export interface DeadlineOutcome {
  readonly costNanoUsd: number;
  /** Answered behind their deadline. */
  readonly missed: number;
  /** Of those: asked live later than a live call takes at its 99.9th percentile, though there was time when they came. */
  readonly missedByUs: number;
  /** Calls that were charged in a batch and live. */
  readonly chargedTwice: number;
  readonly plans: Readonly<Record<BatchPlan['way'], number>>;
  readonly batches: number;
}

/** Live calls that may be begun in a minute. */
const LIVE_PER_MINUTE = 240;
/** How late a worker may be: in the simulation anything up to it. */
const PAUSE_MS = 2000;
const FLEX_MS = 600_000;
/** After which a live call is given up. */
const MOST_LIVE_MS = 600_000;
const BATCH_RATIO = 0.5;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Within this all but one of a thousand live calls are over. */
const NEARLY_ALL_MS = nearlyAllMs();

function nearlyAllMs(): number {
  const chance = seededChance(1);
  return quantile(
    Array.from({ length: 50_000 }, () => liveCallMs(chance)),
    0.999,
  );
}

/** Always a batch, and live when only a live call is left. */
export function naivePolicy({ nowMs, deadlineAtMs = nowMs, times }: BatchPlanInput): BatchPlan {
  const liveAtMs = deadlineAtMs - times.liveMs - times.pauseMs;
  const way = liveAtMs > nowMs ? 'batch' : 'live';
  return { way, liveAtMs: Math.max(nowMs, liveAtMs), liveTier: 'default', expectedNanoUsd: nanoUsd(0) };
}

/**
 * The least that calls can cost whoever knows all durations.
 * @param isPatient - whether it may wait for the minute whose batch is back soonest; else each call goes into a batch that is submitted when it comes.
 */
export function oracleCost(world: DeadlineWorld, calls: readonly DeadlineCall[], isPatient: boolean): number {
  const minutes = Math.ceil(Math.max(...calls.map(({ deadlineAtMs }) => deadlineAtMs)) / MINUTE_MS) + 1;
  const doneBy = Array.from({ length: minutes + 1 }, () => Number.POSITIVE_INFINITY);
  for (let minute = minutes - 1; minute >= 0; minute -= 1) {
    const nextMs = isPatient ? (doneBy[minute + 1] ?? Infinity) : Infinity;
    doneBy[minute] = Math.min(nextMs, minute * MINUTE_MS + world.batchMs(minute * MINUTE_MS));
  }
  return calls.reduce((sum, { atMs, deadlineAtMs, liveNanoUsd }) => {
    // Whoever has minutes finds room in flex now and then.
    const isHalf = (doneBy[Math.ceil(atMs / MINUTE_MS)] ?? Infinity) <= deadlineAtMs || world.isFlexBusy !== undefined;
    return sum + liveNanoUsd * (isHalf ? BATCH_RATIO : 1);
  }, 0);
}

/** A week of calls under a policy. */
export function simulateDeadlines(
  world: DeadlineWorld,
  calls: readonly DeadlineCall[],
  policy: DeadlinePolicy = batchPlan,
): DeadlineOutcome {
  return new DeadlineWeek(world, policy).run(calls);
}

interface SimulatedJob {
  readonly call: DeadlineCall;
  readonly liveAtMs: number;
  readonly liveTier: BatchPlan['liveTier'];
  batch: SimulatedBatch | undefined;
  state: 'waiting' | 'live' | 'done';
  /** When it was asked live. */
  begunAtMs: number | undefined;
  isChargedInBatch: boolean;
  isChargedLive: boolean;
}

interface SimulatedBatch {
  readonly jobs: SimulatedJob[];
  submittedAtMs: number | undefined;
  lengthMs: number;
  isOver: boolean;
}

/** One week, event by event. */
class DeadlineWeek {
  readonly #world: DeadlineWorld;
  readonly #policy: DeadlinePolicy;
  readonly #events = new TimedEvents();
  readonly #chance = seededChance(42);
  readonly #slots = new LiveSlots(LIVE_PER_MINUTE);
  readonly #running = new Set<SimulatedBatch>();
  readonly #plans = { batch: 0, flex: 0, 'off-peak': 0, live: 0 };
  #durations: BatchDurations = NO_DURATIONS;
  #callTimes: CallTimes = NO_CALL_TIMES;
  #liveMs = callTimeBound(NO_CALL_TIMES, MOST_LIVE_MS);
  #flex: FlexRecord = NO_FLEX;
  #gathering: SimulatedBatch | undefined;
  #nextLiveAtMs = 0;
  #cost = 0;
  #missed = 0;
  #missedByUs = 0;
  #chargedTwice = 0;
  #batches = 0;

  constructor(world: DeadlineWorld, policy: DeadlinePolicy) {
    this.#world = world;
    this.#policy = policy;
  }

  run(calls: readonly DeadlineCall[]): DeadlineOutcome {
    for (const call of calls) this.#events.at(call.atMs, (nowMs) => this.#arrive(call, nowMs));
    this.#events.run();
    return {
      costNanoUsd: this.#cost,
      missed: this.#missed,
      missedByUs: this.#missedByUs,
      chargedTwice: this.#chargedTwice,
      plans: this.#plans,
      batches: this.#batches,
    };
  }

  #arrive(call: DeadlineCall, nowMs: number): void {
    const gatherMs = gatherTime(call.deadlineAtMs - nowMs - this.#liveMs, false);
    const half = nanoUsd(call.liveNanoUsd * BATCH_RATIO);
    const plan = this.#policy({
      nowMs,
      deadlineAtMs: call.deadlineAtMs,
      prices: {
        liveNanoUsd: call.liveNanoUsd,
        batchNanoUsd: half,
        flexNanoUsd: this.#world.isFlexBusy === undefined ? undefined : half,
        offPeak: undefined,
      },
      durations: this.#durations,
      runningSinceMs: [...this.#running].map(({ submittedAtMs = nowMs }) => submittedAtMs),
      times: { liveMs: this.#liveMs, flexMs: FLEX_MS, pauseMs: PAUSE_MS, gatherMs, pollMs: LAST_LOOK_MS },
      flexFailureRatio: flexFailureRatio(this.#flex),
      liveRoom: (latestAtMs) => this.#slots.latest(latestAtMs, nowMs),
    });
    this.#plans[plan.way] += 1;
    const { liveAtMs = nowMs, liveTier } = plan;
    const job: SimulatedJob = {
      call,
      liveAtMs,
      liveTier,
      batch: undefined,
      state: 'waiting',
      begunAtMs: undefined,
      isChargedInBatch: false,
      isChargedLive: false,
    };
    this.#slots.book(liveAtMs);
    if (plan.way === 'batch') {
      this.#gather(job, nowMs + gatherMs);
      this.#events.at(liveAtMs + this.#chance() * PAUSE_MS, (dueMs) => this.#askLive(job, dueMs));
    } else this.#askLive(job, nowMs);
  }

  #gather(job: SimulatedJob, submitAtMs: number): void {
    const batch = (this.#gathering ??= { jobs: [], submittedAtMs: undefined, lengthMs: 0, isOver: false });
    batch.jobs.push(job);
    job.batch = batch;
    this.#events.at(submitAtMs, (nowMs) => this.#submit(batch, nowMs));
  }

  #submit(batch: SimulatedBatch, nowMs: number): void {
    if (batch.submittedAtMs !== undefined) return;
    this.#gathering = undefined;
    batch.submittedAtMs = nowMs;
    batch.lengthMs = this.#world.batchMs(nowMs);
    this.#batches += 1;
    this.#running.add(batch);
    this.#look(batch, nowMs);
  }

  #look(batch: SimulatedBatch, nowMs: number): void {
    if (batch.isOver) return;
    const ageMs = nowMs - (batch.submittedAtMs ?? nowMs);
    if (ageMs >= batch.lengthMs) this.#collect(batch, nowMs);
    else if (ageMs >= DAY_MS) this.#end(batch, nowMs, DAY_MS, true);
    else {
      const waiting = batch.jobs.filter(({ state }) => state === 'waiting');
      const firstMs = Math.min(...waiting.map(({ liveAtMs }) => liveAtMs));
      this.#events.at(nowMs + pollPause(ageMs, firstMs - nowMs), (nextMs) => this.#look(batch, nextMs));
    }
  }

  #collect(batch: SimulatedBatch, nowMs: number): void {
    this.#end(batch, nowMs, batch.lengthMs, false);
    for (const job of batch.jobs) {
      this.#chargeBatch(job, 1);
      this.#finish(job, nowMs);
    }
  }

  #end(batch: SimulatedBatch, nowMs: number, ms: number, isCensored: boolean): void {
    batch.isOver = true;
    this.#running.delete(batch);
    this.#durations = observed(this.#durations, { endedAtMs: nowMs, ms, isCensored });
  }

  #chargeBatch(job: SimulatedJob, shareRatio: number): void {
    this.#cost += job.call.liveNanoUsd * BATCH_RATIO * shareRatio;
    job.isChargedInBatch = shareRatio > 0;
    if (job.isChargedInBatch && job.isChargedLive) this.#chargedTwice += 1;
  }

  #askLive(job: SimulatedJob, nowMs: number): void {
    if (job.state === 'done') return;
    job.state = 'live';
    const { isFlexBusy } = this.#world;
    if (job.liveTier === 'flex' && isFlexBusy !== undefined) {
      const wasRefused = isFlexBusy(nowMs, this.#chance);
      this.#flex = flexAsked(this.#flex, wasRefused);
      const tookMs = 3 * liveCallMs(this.#chance);
      if (!wasRefused && tookMs <= FLEX_MS) {
        job.begunAtMs = nowMs;
        this.#events.at(nowMs + tookMs, (doneMs) => this.#answeredLive(job, doneMs, BATCH_RATIO));
        return;
      }
    }
    const begunAtMs = Math.max(nowMs, this.#nextLiveAtMs);
    this.#nextLiveAtMs = begunAtMs + MINUTE_MS / LIVE_PER_MINUTE;
    job.begunAtMs = begunAtMs;
    const tookMs = Math.min(MOST_LIVE_MS, liveCallMs(this.#chance));
    this.#events.at(begunAtMs + tookMs, (doneMs) => {
      this.#callTimes = callTook(this.#callTimes, tookMs);
      this.#liveMs = callTimeBound(this.#callTimes, MOST_LIVE_MS);
      this.#answeredLive(job, doneMs, 1);
    });
  }

  #answeredLive(job: SimulatedJob, nowMs: number, priceRatio: number): void {
    this.#cost += job.call.liveNanoUsd * priceRatio;
    job.isChargedLive = true;
    if (job.isChargedInBatch) this.#chargedTwice += 1;
    this.#finish(job, nowMs);
    if (job.batch !== undefined) this.#cancelIfUseless(job.batch, nowMs);
  }

  #finish(job: SimulatedJob, nowMs: number): void {
    if (job.state === 'done') return;
    job.state = 'done';
    this.#slots.release(job.liveAtMs);
    const { atMs, deadlineAtMs } = job.call;
    if (nowMs <= deadlineAtMs) return;
    this.#missed += 1;
    const latestMs = deadlineAtMs - NEARLY_ALL_MS;
    if (atMs <= latestMs && (job.begunAtMs ?? Infinity) > latestMs) this.#missedByUs += 1;
  }

  /** What a batch has not done by then need not be paid. */
  #cancelIfUseless(batch: SimulatedBatch, nowMs: number): void {
    if (batch.isOver || batch.submittedAtMs === undefined) return;
    const ageMs = nowMs - batch.submittedAtMs;
    const waiting = batch.jobs.filter(({ state }) => state === 'waiting').length;
    const live = batch.jobs.filter(({ state }) => state === 'live').length;
    const outlook = batchOutlook(this.#durations, [], nowMs);
    if (keepsRunning({ waiting, live, ageMs, liveMs: this.#liveMs }, outlook)) return;
    for (const job of batch.jobs) this.#chargeBatch(job, Math.min(1, ageMs / batch.lengthMs));
    this.#end(batch, nowMs, Math.min(ageMs, batch.lengthMs), ageMs < batch.lengthMs);
  }
}
