import { createHash } from 'node:crypto';
import type { Protocol } from '../core/model/protocol.ts';
import type { Clock, Random } from '../ports/clock.ts';
import { answerBody, asksForModels, bodyToAnswer, listModels, type Answering } from './answer-request.ts';
import type { BatchFault, SimulatedBatchOptions } from './batch/batch-options.ts';
import type { BatchRowRequest, RowAnswer } from './batch/simulated-batch.ts';
import { SimulatedBatches, type BatchRowFacts, type SimulatedBatchFacts } from './batch/simulated-batches.ts';
import type { JsonObject } from './json-value.ts';
import { LanguageModels, seedOf } from './language-model.ts';
import { promptTokens, statedMaxTokens } from './prompt-tokens.ts';
import { refusalOf } from './provider-error.ts';
import {
  ProviderInvoice,
  type BilledTier,
  type Invoice,
  type SimulatedPrices,
  type TierRatios,
} from './provider-invoice.ts';
import type { ProviderRequest } from './provider-request.ts';
import { RateLimits, type RateAdmission, type RateLimitUse, type SimulatedRateLimits } from './rate-limits.ts';
import { FaultScript, type ScriptedFault } from './scripted-fault.ts';
import { seededRandom } from './seeded-random.ts';
import { badRequest, ProviderRefusal, type SimulatedReply } from './simulated-reply.ts';

/** What a simulated provider charges, allows and gets wrong, however it is reached. @public */
export interface ProviderBehaviour extends TierRatios {
  /** What it charges. Its models are the ones named here; any name is possible. */
  readonly prices: SimulatedPrices;
  /** Decides all chance. @defaultValue 1 */
  readonly seed?: number;
  /** Share of requests (0..1, chosen by their body) that fail with 500 or 529 the first time they are sent. @defaultValue 0 */
  readonly faultRatio?: number;
  /** How its Batch APIs behave. @defaultValue each option's own */
  readonly batches?: SimulatedBatchOptions;
  /** What each account may ask for live in a minute; a minute of the clock, not of `timeScale`. @defaultValue no limits */
  readonly rateLimits?: SimulatedRateLimits;
  /** Share of `service_tier: "flex"` requests (0..1) that are refused with 429 for lack of capacity. @defaultValue 0 */
  readonly flexBusyRatio?: number;
  /**
   * Whether it is remembered which bodies were billed how often, and which rows batches answered: some 200 bytes for each. Millions of calls
   * are better served without.
   * @defaultValue true
   */
  readonly countsAnswers?: boolean;
}

/** What a simulated provider tells a test of what happened. @public */
export interface ProviderBooks {
  invoice(): Invoice;
  /** All batches, the oldest first, as of now. */
  batches(): readonly SimulatedBatchFacts[];
  /** The rows that batches answered, in that order. */
  answeredRows(): readonly BatchRowFacts[];
  /** How often a body was billed, live or in a batch. Blanks between its tokens do not matter, the order of its fields does. */
  timesBilled(body: string): number;
  /** How the live rate limits were used. */
  rateLimitUse(): RateLimitUse;
  /** The next `count` (default 1) metered live requests show the fault. */
  failNext(fault: ScriptedFault, count?: number): void;
  /** The next `count` (default 1) requests to the batch endpoints that it is for show the fault. */
  failNextBatchRequest(fault: BatchFault, count?: number): void;
}

/** A live request that is answered and not yet billed. @internal */
export interface LiveAnswer {
  readonly reply: SimulatedReply;
  /** Of the limits. */
  readonly headers: Readonly<Record<string, string>>;
  readonly account: string;
  readonly tier: BilledTier;
  readonly admission: RateAdmission | undefined;
  readonly body: JsonObject | undefined;
}

/** The times that a provider lives by. @internal */
export interface ProviderTime {
  /** Simulated time. */
  readonly clock: Clock;
  /** The time of the rate limits: the one that clients live in. */
  readonly limitsClock: Clock;
  /** Simulated milliseconds that really pass for each millisecond of a model's latency. */
  readonly latencyScale: number;
}

/** Bodies remembered as having failed once. */
const MAX_FAILED_BODIES = 10_000;

/** The simulated provider without its sockets. @internal */
export class ProviderCore implements ProviderBooks {
  readonly serving: SimulatedBatches;
  readonly random: Random;
  readonly #behaviour: ProviderBehaviour;
  readonly #clock: Clock;
  readonly #limitsClock: Clock;
  readonly #latencyScale: number;
  readonly #answering: Answering;
  readonly #invoice: ProviderInvoice;
  readonly #faults: FaultScript = new FaultScript();
  readonly #limits: RateLimits | undefined;
  readonly #flexChance: Random;
  readonly #failedOnce: Set<string> = new Set<string>();
  readonly #billed: Map<number, number> = new Map<number, number>();

  /** @throws RangeError on prices, shares or limits that are none. */
  constructor(behaviour: ProviderBehaviour, { clock, limitsClock, latencyScale }: ProviderTime) {
    const seed = behaviour.seed ?? 1;
    this.#behaviour = behaviour;
    this.#clock = clock;
    this.#limitsClock = limitsClock;
    this.#latencyScale = latencyScale;
    this.#answering = { models: new LanguageModels(seed), names: Object.keys(behaviour.prices) };
    this.#invoice = new ProviderInvoice(behaviour.prices, behaviour);
    this.#limits = behaviour.rateLimits === undefined ? undefined : new RateLimits(behaviour.rateLimits);
    this.random = seededRandom(seed);
    this.#flexChance = seededRandom(seedOf(`flex ${seed}`));
    this.serving = new SimulatedBatches({
      options: behaviour.batches ?? {},
      clock,
      seed,
      names: this.#answering.names,
      countsAnswers: behaviour.countsAnswers ?? true,
      answerRow: (account, path, row, nowMs) => this.#answerRow(account, path, row, nowMs),
    });
  }

  invoice(): Invoice {
    this.serving.advance(); // what batches answered by now is owed by now
    return this.#invoice.invoice();
  }

  batches(): readonly SimulatedBatchFacts[] {
    return this.serving.facts();
  }

  answeredRows(): readonly BatchRowFacts[] {
    return this.serving.answeredRows();
  }

  timesBilled(body: string): number {
    this.serving.advance();
    return this.#billed.get(bodyKey(JSON.parse(body))) ?? 0;
  }

  rateLimitUse(): RateLimitUse {
    const none = { limitErrors: 0, requests: 0, tokens: 0, requestsUsedRatio: 0, tokensUsedRatio: 0 };
    return this.#limits?.use() ?? none;
  }

  failNext(fault: ScriptedFault, count = 1): void {
    this.#faults.add(fault, count);
  }

  failNextBatchRequest(fault: BatchFault, count = 1): void {
    this.serving.failNext(fault, count);
  }

  /** The fault that a live request shows. */
  faultOf(request: ProviderRequest): ScriptedFault | undefined {
    const isMetered = request.method === 'POST' && !request.path.endsWith('/count_tokens');
    return isMetered ? (this.#faults.take() ?? this.#hiccup(request)) : undefined;
  }

  /** Answers a live request; what it costs is billed by `bill`. @throws ProviderRefusal with the headers of the limits */
  answer(request: ProviderRequest, account: string): LiveAnswer {
    if (asksForModels(request)) return freeAnswer(listModels(this.#answering, request), account);
    const body = bodyToAnswer(request);
    const isMetered = !request.path.endsWith('/count_tokens');
    const admission = isMetered ? this.#admit(request, body, account) : undefined;
    try {
      const tier = this.#liveTier(request, body);
      const reply = answerBody(this.#answering, request, body, {
        account,
        uniqueHex: this.random.hex(24),
        nowMs: this.#clock.nowMs(),
        latencyScale: this.#latencyScale,
        tier,
      });
      return { reply, headers: this.#limitHeaders(account, request.protocol), account, tier, admission, body };
    } catch (error) {
      if (error instanceof ProviderRefusal) error.headers = this.#limitHeaders(account, request.protocol);
      throw error;
    }
  }

  /** Bills a whole reply, or only `generatedTokens` of it when it did not come to its end. */
  bill({ reply, account, tier, admission, body }: LiveAnswer, generatedTokens: number | undefined): void {
    if (reply.usage === undefined) return;
    const isWhole = generatedTokens === undefined;
    const output = Math.min(reply.usage.output, generatedTokens ?? Infinity);
    const usage = { ...reply.usage, output, reasoning: Math.min(reply.usage.reasoning, output) };
    this.#invoice.bill(reply.model.name, usage, isWhole && reply.statesUsage, tier);
    this.#countBody(body);
    if (admission === undefined) return;
    const tokens = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite30m + usage.cacheWrite1h;
    this.#limits?.correct(account, admission, tokens + output, this.#limitsClock.monotonicMs());
  }

  #answerRow(account: string, path: string, { body }: BatchRowRequest, nowMs: number): RowAnswer {
    if (body['stream'] === true) throw badRequest("'stream' is not supported in batches.", 'stream', 'invalid_value');
    const protocol: Protocol = path === '/v1/messages' ? 'anthropic' : 'openai';
    const context = { account, uniqueHex: this.random.hex(24), nowMs, latencyScale: 1, tier: 'batch' as const };
    const reply = answerBody(this.#answering, { path, protocol }, body, context);
    const { usage, model, frames } = reply;
    if (usage === undefined) throw badRequest(`${path} cannot be asked in batches.`);
    this.#countBody(body);
    const billedNanoUsd = this.#invoice.bill(model.name, usage, true, 'batch');
    return { status: 200, body: frames.map(({ text }) => text).join(''), usage, billedNanoUsd };
  }

  #admit(request: ProviderRequest, body: JsonObject, account: string): RateAdmission | undefined {
    if (this.#limits === undefined) return undefined;
    const asked = {
      protocol: request.protocol,
      inputTokens: promptTokens(request.path, body),
      maxTokens: statedMaxTokens(body),
    };
    const admission = this.#limits.admit(account, asked, this.#limitsClock.monotonicMs());
    if (admission.kind === 'admitted') return admission;
    const refusal = new ProviderRefusal(429, admission.of, `Rate limit reached for ${admission.of} per minute.`, {
      code: 'rate_limit_exceeded',
    });
    refusal.headers = {
      ...this.#limitHeaders(account, request.protocol),
      'retry-after': String(Math.ceil(admission.retryAfterMs / 1000)),
      ...(request.protocol === 'openai' ? { 'retry-after-ms': String(Math.ceil(admission.retryAfterMs)) } : {}),
    };
    throw refusal;
  }

  #limitHeaders(account: string, protocol: Protocol): Readonly<Record<string, string>> {
    if (this.#limits === undefined) return {};
    const nowMs = this.#limitsClock.monotonicMs();
    const resets = protocol === 'anthropic' ? this.#limits.resetHeaders(account, nowMs, this.#limitsClock.nowMs()) : {};
    return { ...this.#limits.headers(account, protocol, nowMs), ...resets };
  }

  #liveTier({ protocol, path }: ProviderRequest, body: JsonObject): BilledTier {
    const isFlex = protocol === 'openai' && path !== '/v1/embeddings' && body['service_tier'] === 'flex';
    if (!isFlex) return 'standard';
    const busyRatio = this.#behaviour.flexBusyRatio ?? 0;
    if (this.#flexChance.fraction() >= busyRatio) return 'flex';
    throw new ProviderRefusal(429, 'resource_unavailable', 'There is no capacity for flex processing at present.', {
      code: 'resource_unavailable',
    });
  }

  #hiccup(request: ProviderRequest): ScriptedFault | undefined {
    const ratio = this.#behaviour.faultRatio ?? 0;
    if (ratio === 0 || this.#failedOnce.has(request.bodyText)) return undefined;
    const draw = seededRandom(seedOf(`fault\n${request.bodyText}`)).fraction();
    if (draw >= ratio) return undefined;
    if (this.#failedOnce.size < MAX_FAILED_BODIES) this.#failedOnce.add(request.bodyText);
    return { kind: 'status', status: request.protocol === 'anthropic' ? 529 : 500 };
  }

  #countBody(body: JsonObject | undefined): void {
    if (body === undefined || this.#behaviour.countsAnswers === false) return;
    const key = bodyKey(body);
    this.#billed.set(key, (this.#billed.get(key) ?? 0) + 1);
  }
}

/** The refusal that a scripted status makes. @internal */
export function scriptedRefusal(fault: Extract<ScriptedFault, { kind: 'status' }>): ProviderRefusal {
  const refusal = refusalOf(fault.status);
  if (fault.retryAfterSeconds !== undefined) refusal.headers = { 'retry-after': String(fault.retryAfterSeconds) };
  return refusal;
}

function freeAnswer(reply: SimulatedReply, account: string): LiveAnswer {
  return { reply, headers: {}, account, tier: 'standard', admission: undefined, body: undefined };
}

/** 48 bits of a digest: a million bodies share none but once in 500 runs. */
function bodyKey(body: unknown): number {
  return createHash('sha256').update(JSON.stringify(body)).digest().readUIntBE(0, 6);
}
