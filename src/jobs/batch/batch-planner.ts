import { LAST_LOOK_MS, gatherTime } from '../../core/batch/batch-pace.ts';
import { type BatchPlan, batchPlan, type WayPrices } from '../../core/batch/batch-plan.ts';
import { cheapestHour } from '../../core/batch/cheapest-hour.ts';
import { callTimeBound, type CallTimes, callTook, NO_CALL_TIMES } from '../../core/batch/call-times.ts';
import { flexAsked, flexFailureRatio, type FlexRecord, NO_FLEX } from '../../core/batch/flex-record.ts';
import { LiveSlots } from '../../core/batch/live-slots.ts';
import type { DeferredCall } from '../../core/model/deferred-call.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { parseTarget, type Target } from '../../core/model/target.ts';
import { type Usage, usageOf } from '../../core/model/usage.ts';
import type { NanoUsd } from '../../core/money.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { BatchProviders } from './batch-provider.ts';
import type { DurationBook } from './duration-book.ts';

/** How long things take, and how many calls may be due at once. @public */
export interface BatchPlanSettings {
  /** After which a live call is given up, in milliseconds: how long they take is learnt, and is less. @defaultValue 600_000 */
  readonly mostLiveMs: number;
  /** How much sooner a call must be made that tries flex first, in milliseconds. @defaultValue 900_000 */
  readonly flexMs: number;
  /** For how long a queue gathers, in milliseconds. @defaultValue 60_000 */
  readonly gatherMs: number;
  /** Live calls that may be begun in a minute, for calls whose batch is late. @defaultValue 240 */
  readonly livePerMinute: number;
}

/**
 * Ours: as long as the engine lets a call take; flex is given a quarter of an hour, as OpenAI advises its clients to wait; sixteen calls at a time of four seconds
 * each are 240 a minute.
 * @public
 */
export const BATCH_PLAN_DEFAULTS: BatchPlanSettings = {
  mostLiveMs: 600_000,
  flexMs: 900_000,
  gatherMs: 60_000,
  livePerMinute: 240,
};

/** What a {@link BatchPlanner} decides from. @public */
export interface BatchPlannerOptions {
  /** The price book of now. */
  readonly pricer: () => Pick<Pricer, 'price'>;
  readonly providerOf: BatchProviders;
  readonly durations: DurationBook;
  /** @defaultValue {@link BATCH_PLAN_DEFAULTS} */
  readonly settings?: Partial<BatchPlanSettings>;
}

/** How late a worker may notice that an hour has come, in milliseconds. Ours: its longest pause, with a margin. */
const PAUSE_MS = 5000;

/** Tokens of output that prices are compared with: all are weighed by the same, so that it matters for long prompts alone. Ours. */
const COMPARED_OUTPUT_TOKENS = 500;

/** How far ahead cheaper hours are looked for, in milliseconds: all of them come once a day or once a week. */
const MAX_AHEAD_MS = 604_800_000;

/** Decides for each deferred call how it is answered, from prices, from how long batches take, and from what is due already. @public */
export class BatchPlanner {
  readonly #options: BatchPlannerOptions;
  readonly #settings: BatchPlanSettings;
  readonly #slots: LiveSlots;
  readonly #flex = new Map<string, FlexRecord>();
  readonly #times = new Map<string, CallTimes>();

  constructor(options: BatchPlannerOptions) {
    this.#options = options;
    this.#settings = { ...BATCH_PLAN_DEFAULTS, ...options.settings };
    this.#slots = new LiveSlots(this.#settings.livePerMinute);
  }

  /** How a call is answered best; undefined where it has no price to compare. Books its hour. */
  async plan(call: DeferredCall, nowMs: number): Promise<BatchPlan | undefined> {
    const plan = await this.#planned(call, nowMs);
    if (plan?.liveAtMs !== undefined && plan.way !== 'live') this.#slots.book(plan.liveAtMs);
    this.#slots.forget(nowMs);
    return plan;
  }

  /** Whether a call is worth another batch now, after one that has not answered it. */
  async isBatchWorthIt(call: DeferredCall, nowMs: number): Promise<boolean> {
    const plan = await this.#planned(call, nowMs);
    return plan?.way === 'batch';
  }

  /** The hour of a call that was planned is not needed any more. */
  release(liveAtMs: number): void {
    this.#slots.release(liveAtMs);
  }

  /** How long a live call of a target takes nearly always, in milliseconds. */
  liveMs(target: string): number {
    return callTimeBound(this.#times.get(target) ?? NO_CALL_TIMES, this.#settings.mostLiveMs);
  }

  /** Notes how long a live call took. */
  noteLive(target: string, ms: number): void {
    this.#times.set(target, callTook(this.#times.get(target) ?? NO_CALL_TIMES, ms));
  }

  /** Notes whether flex had room. */
  noteFlex(target: string, wasRefused: boolean): void {
    this.#flex.set(target, flexAsked(this.#flex.get(target) ?? NO_FLEX, wasRefused));
  }

  async #planned(call: DeferredCall, nowMs: number): Promise<BatchPlan | undefined> {
    const target = parseTarget(call.target);
    const prices = target === undefined ? undefined : this.#prices(call, target, nowMs);
    if (prices === undefined) return undefined;
    const { flexMs, gatherMs } = this.#settings;
    const liveMs = this.liveMs(call.target);
    const slackMs = call.deadlineAtMs === undefined ? undefined : call.deadlineAtMs - nowMs - liveMs;
    return batchPlan({
      nowMs,
      deadlineAtMs: call.deadlineAtMs,
      prices,
      ...(await this.#options.durations.of(call.target)),
      times: {
        liveMs,
        flexMs,
        pauseMs: PAUSE_MS,
        gatherMs: gatherTime(slackMs, false, gatherMs),
        pollMs: LAST_LOOK_MS,
      },
      flexFailureRatio: flexFailureRatio(this.#flex.get(call.target) ?? NO_FLEX),
      liveRoom: (latestAtMs) => this.#slots.latest(latestAtMs, nowMs),
    });
  }

  #prices({ inputTokens, deadlineAtMs, endpoint }: DeferredCall, target: Target, nowMs: number): WayPrices | undefined {
    const pricer = this.#options.pricer();
    const output = endpoint === 'embeddings' ? 0 : COMPARED_OUTPUT_TOKENS;
    const usage: Usage = usageOf({ input: inputTokens, output });
    const price = (serviceTier: string | undefined, atMs = nowMs): NanoUsd | undefined =>
      pricer.price(target, usage, serviceTier === undefined ? {} : { serviceTier }, atMs)?.amountNanoUsd;
    const liveNanoUsd = price(undefined);
    if (liveNanoUsd === undefined) return undefined;
    const hasFlex = ENDPOINTS[endpoint].protocol === 'openai' && endpoint !== 'embeddings';
    const untilMs = Math.min(deadlineAtMs ?? nowMs, nowMs + MAX_AHEAD_MS);
    const offPeak =
      deadlineAtMs === undefined ? undefined : cheapestHour((atMs) => price(undefined, atMs), nowMs, untilMs);
    return {
      liveNanoUsd,
      batchNanoUsd: this.#options.providerOf(target.provider) === undefined ? undefined : price('batch'),
      flexNanoUsd: hasFlex ? price('flex') : undefined,
      offPeak: offPeak !== undefined && offPeak.amountNanoUsd < liveNanoUsd ? offPeak : undefined,
    };
  }
}
