import { ConcurrencyWindow } from './concurrency-window.ts';
import type { PaceNotice } from './provider-limits.ts';
import { StatedBucket, type StatedTake } from './stated-bucket.ts';
import { correctedBucket, fullBucket, takeFromBucket, type TokenBucket } from './token-bucket.ts';

/** How fast calls may be made. @internal */
export interface RatePacerOptions {
  /** Calls at a time. */
  readonly concurrency: number;
  /** Undefined: as many as the provider lets through. */
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
  /** Share of what the provider allows that is left to others, 0..1. */
  readonly freeRatio: number;
}

/** What one call takes. @internal */
export interface PacedNeed {
  /** Calls that go to the same place: the model as it is asked for. */
  readonly model: string;
  /** An estimate: input, and the most that may come out. */
  readonly tokens: number;
}

/** A call that was let go. @internal */
export interface PacedCall {
  readonly need: PacedNeed;
  /** Where it was expected to go; undefined: nothing was known. */
  readonly target: string | undefined;
  readonly number: number;
  readonly requests: StatedTake | undefined;
  readonly tokens: StatedTake | undefined;
  /** Replies of providers so far: the engine may ask more than once. */
  heads: number;
}

interface TargetLimits {
  readonly requests: StatedBucket;
  readonly tokens: StatedBucket;
}

interface Rate {
  readonly capacity: number;
  readonly perMinute: number;
}

/** For how long nothing is sent after a refusal that names no time, in milliseconds; twice as long after each further one. Ours. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Of a minute's allowance so much may be used at once: providers enforce limits by the second (OpenAI, rate limits guide). It is kept back from what comes in, so that no
 * minute, wherever it begins, sees more than the allowance.
 */
const BURST_RATIO = 1 / 60;

const ONE = { requests: 1 } as const;

/**
 * Decides when the next call of a run may be made: within rates that the caller set, within what the provider says is left, and with no more at a time than
 * the provider bears. Reserves by estimate, and puts that right when the call is over. Pure: time comes in as values.
 * @internal
 */
export class RatePacer {
  readonly #options: RatePacerOptions;
  readonly #window: ConcurrencyWindow;
  readonly #rates: { readonly requests: Rate | undefined; readonly tokens: Rate | undefined };
  readonly #targets = new Map<string, TargetLimits>();
  /** Where calls of a model went last. */
  readonly #targetOf = new Map<string, string>();
  #requests: TokenBucket;
  #tokens: TokenBucket;
  #underWay = 0;
  #pausedUntilMs = 0;
  #refusals = 0;

  constructor(options: RatePacerOptions, nowMs: number) {
    this.#options = options;
    this.#window = new ConcurrencyWindow(options.concurrency);
    this.#rates = { requests: rateOf(options.requestsPerMinute), tokens: rateOf(options.tokensPerMinute) };
    this.#requests = fullBucket(this.#rates.requests ?? { capacity: 0, perMinute: 0 }, nowMs);
    this.#tokens = fullBucket(this.#rates.tokens ?? { capacity: 0, perMinute: 0 }, nowMs);
  }

  /** For how long to wait until a call may be made, in milliseconds; infinite: until one that is under way ends. */
  waitMs(need: PacedNeed, nowMs: number): number {
    if (this.#underWay >= Math.min(this.#options.concurrency, this.#window.size)) return Number.POSITIVE_INFINITY;
    const { requests, tokens } = this.#rates;
    const limits = this.#limitsOf(need.model);
    const { freeRatio } = this.#options;
    return Math.max(
      this.#pausedUntilMs - nowMs,
      requests === undefined
        ? 0
        : takeFromBucket(this.#requests, requests, claim(ONE.requests, requests, nowMs)).waitMs,
      tokens === undefined ? 0 : takeFromBucket(this.#tokens, tokens, claim(need.tokens, tokens, nowMs)).waitMs,
      limits?.requests.waitMs(ONE.requests, freeRatio, nowMs) ?? 0,
      limits?.tokens.waitMs(need.tokens, freeRatio, nowMs) ?? 0,
      0,
    );
  }

  /** A call begins. */
  begin(need: PacedNeed, nowMs: number): PacedCall {
    this.#underWay += 1;
    this.#spend(ONE.requests, need.tokens, nowMs);
    const target = this.#targetOf.get(need.model);
    const limits = target === undefined ? undefined : this.#targets.get(target);
    return {
      need,
      target,
      number: this.#window.begin(),
      requests: limits?.requests.take(ONE.requests, nowMs),
      tokens: limits?.tokens.take(need.tokens, nowMs),
      heads: 0,
    };
  }

  /** A provider's reply to the call has begun. */
  observe(call: PacedCall, notice: PaceNotice, nowMs: number): void {
    call.heads += 1;
    this.#targetOf.set(call.need.model, notice.target);
    const limits = this.#targets.get(notice.target) ?? { requests: new StatedBucket(), tokens: new StatedBucket() };
    this.#targets.set(notice.target, limits);
    if (call.heads > 1) this.#spend(ONE.requests, 0, nowMs);
    const takes = this.#takesAt(call, notice.target, limits, nowMs);
    const { requests, tokens } = notice.limits ?? {};
    if (requests !== undefined) limits.requests.observe(takes.requests, requests, nowMs);
    if (tokens !== undefined) limits.tokens.observe(takes.tokens, tokens, nowMs);
    if (notice.status === 429) this.#refused(call, notice.retryAfterMs, nowMs);
    else if (limits.requests.isKnown || limits.tokens.isKnown) this.#window.open();
  }

  /** Nothing is sent for so long. */
  pause(lengthMs: number, nowMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + lengthMs);
  }

  /**
   * The call is over.
   * @param usedTokens - what it really took; undefined: not known.
   */
  end(call: PacedCall, usedTokens: number | undefined, nowMs: number): void {
    this.#underWay -= 1;
    if (call.heads === 0) {
      // Answered without a provider, or never sent.
      this.#spend(-ONE.requests, -call.need.tokens, nowMs);
      this.#giveBack(call, nowMs);
      return;
    }
    if (usedTokens === undefined) return;
    this.#refusals = 0;
    this.#window.answered();
    this.#spend(0, usedTokens - call.need.tokens, nowMs);
  }

  /** What the call took at the target that replied: it may be another one than was expected, or the second reply. */
  #takesAt(
    call: PacedCall,
    target: string,
    limits: TargetLimits,
    nowMs: number,
  ): { readonly requests: StatedTake; readonly tokens: StatedTake } {
    const { requests, tokens } = call;
    if (call.heads === 1 && call.target === target && requests !== undefined && tokens !== undefined)
      return { requests, tokens };
    if (call.heads === 1) this.#giveBack(call, nowMs);
    return {
      requests: limits.requests.take(ONE.requests, nowMs),
      tokens: limits.tokens.take(call.need.tokens, nowMs),
    };
  }

  #giveBack({ target, requests, tokens }: PacedCall, nowMs: number): void {
    const limits = target === undefined ? undefined : this.#targets.get(target);
    if (requests !== undefined) limits?.requests.giveBack(requests.amount, nowMs);
    if (tokens !== undefined) limits?.tokens.giveBack(tokens.amount, nowMs);
  }

  #refused(call: PacedCall, retryAfterMs: number | undefined, nowMs: number): void {
    this.#window.limited(call.number);
    const pauseMs = retryAfterMs ?? Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#refusals);
    this.#refusals += 1;
    this.pause(pauseMs, nowMs);
  }

  #limitsOf(model: string): TargetLimits | undefined {
    const target = this.#targetOf.get(model);
    return target === undefined ? undefined : this.#targets.get(target);
  }

  #spend(requests: number, tokens: number, nowMs: number): void {
    const { requests: requestRate, tokens: tokenRate } = this.#rates;
    if (requestRate !== undefined) this.#requests = correctedBucket(this.#requests, requestRate, -requests, nowMs);
    if (tokenRate !== undefined) this.#tokens = correctedBucket(this.#tokens, tokenRate, -tokens, nowMs);
  }
}

function rateOf(perMinute: number | undefined): Rate | undefined {
  if (perMinute === undefined) return undefined;
  return { capacity: Math.max(1, perMinute * BURST_RATIO), perMinute: perMinute * (1 - BURST_RATIO) };
}

/** One that is larger than the bucket goes when that is full, and leaves a debt. */
function claim(amount: number, { capacity }: Rate, nowMs: number): { want: number; least: number; nowMs: number } {
  const least = Math.min(amount, capacity);
  return { want: least, least, nowMs };
}
