import { costOf, type NanoUsd, nanoUsd, type PicoUsd, subtractUsd } from '../money.ts';

/** What a summary of a conversation's older part would cost and save. @public */
export interface SummaryOffer {
  /** Tokens that the summary stands for. */
  readonly sourceTokens: number;
  /** Tokens that it may have. */
  readonly summaryTokens: number;
  /** In how many calls it is expected to stand in place of what it sums up, the present one included; need not be whole. */
  readonly expectedUses: number;
  /** What one of the tokens that would be left out costs in each of these calls: the price of cached input where they are cached. */
  readonly inputPrice: PicoUsd;
  readonly summariserInputPrice: PicoUsd;
  readonly summariserOutputPrice: PicoUsd;
  /** Tokens of the summariser's instructions, which it reads before the source. */
  readonly instructionTokens: number;
  /** What it costs once that the provider's cache behind the summary has to be written anew. */
  readonly prefixCostUsd: NanoUsd;
}

/** Whether a summary pays, with the estimate that says so. @public */
export interface SummaryWorth {
  readonly isWorth: boolean;
  /** What all expected calls would cost less. */
  readonly savedUsd: NanoUsd;
  /** What the summariser and the broken prefix cost; rounded up. */
  readonly costUsd: NanoUsd;
  /** `savedUsd - costUsd`. */
  readonly netUsd: NanoUsd;
}

/**
 * Whether to sum up: only if the tokens saved times their price times the expected uses is more than the summary costs. A tie is not worth it: a summary
 * loses words.
 * @public
 */
export function summaryWorth(offer: SummaryOffer): SummaryWorth {
  const savedTokens = Math.max(0, offer.sourceTokens - offer.summaryTokens) * Math.max(0, offer.expectedUses);
  const savedUsd = costOf(wholeTokens(savedTokens), offer.inputPrice);
  const read = costOf(wholeTokens(offer.sourceTokens + offer.instructionTokens), offer.summariserInputPrice, 'up');
  const written = costOf(wholeTokens(offer.summaryTokens), offer.summariserOutputPrice, 'up');
  const costUsd = nanoUsd(read + written + offer.prefixCostUsd);
  const netUsd = subtractUsd(savedUsd, costUsd);
  return { isWorth: netUsd > 0, savedUsd, costUsd, netUsd };
}

function wholeTokens(tokens: number): number {
  return Math.max(0, Math.floor(tokens));
}
