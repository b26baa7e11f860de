import type { ModelLimits } from '../core/budget/call-bound.ts';
import type { PromptCacheRegime } from '../core/model-catalogue.ts';
import type { NanoUsd, PicoUsd } from '../core/money.ts';
import type { Target } from '../core/model/target.ts';
import type { SessionPrices } from '../core/route/session-move.ts';
import type { ServedTerms, Usage } from '../core/model/usage.ts';

/** A known price for a usage. @public */
export interface PricedAmount {
  readonly amountNanoUsd: NanoUsd;
  /** `<book version>:<entry id>`, kept with the charge so that history is never priced again. */
  readonly priceEntry: string;
}

/** How large a call can get. @public */
export interface PricerBound {
  readonly inputTokens: number;
  /** For one answer; undefined takes the model's own maximum. */
  readonly maxOutputTokens: number | undefined;
  /** Answers asked for at once. */
  readonly samples: number;
}

/** What one token of input costs by how it is served, in pico-dollars. @public */
export interface InputRates {
  readonly input: PicoUsd;
  /** Undefined: not priced, so nothing is known of what a cached prefix is worth. */
  readonly cacheRead: PicoUsd | undefined;
  readonly cacheWrite5m: PicoUsd | undefined;
  readonly cacheWrite30m: PicoUsd | undefined;
  readonly cacheWrite1h: PicoUsd | undefined;
}

/** What the engine asks of a price book, with configured provider names already mapped to whose prices hold. @public */
export interface Pricer {
  /** Undefined when the model, a bucket or the served terms have no price: never 0, never a guess. */
  price(target: Target, usage: Usage, terms: ServedTerms, atMs: number): PricedAmount | undefined;
  /** What is known of a target's sizes; fields are undefined where nothing is. */
  limits(target: Target): ModelLimits;
  /** Whose models a target's provider has, as far as the operator said. */
  vendorOf(target: Target): string | undefined;
  /** The most that a call can cost, rounded up; undefined when a price or the model's maximum output is not known. */
  upperBound(target: Target, bound: PricerBound, atMs: number): NanoUsd | undefined;
  /** List prices of input for a prompt of that size, before multipliers by terms and hours; undefined: the model has no price. */
  inputRates(target: Target, inputTokens: number, atMs: number): InputRates | undefined;
  /** What of a target's prices matters to a conversation; undefined: input or output has no price. */
  sessionPrices(target: Target, inputTokens: number, atMs: number): SessionPrices | undefined;
  /** How the target's provider caches prompts; undefined: it does not, or nothing is known. */
  promptCache(target: Target): PromptCacheRegime | undefined;
  /**
   * The usage that the provider would have stated had the same bytes been sent again `sinceMs` after the last time:
   * cache reads that the caller would have got anyway are not our saving.
   */
  repeatedUsage(target: Target, usage: Usage, sinceMs: number): Usage;
}
