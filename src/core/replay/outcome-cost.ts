import type { ModelOutcome } from './outcome-row.ts';

/** What a model charges, in dollars per million tokens. @public */
export interface TokenPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
}

/**
 * What a call cost, in dollars: as the table states it, else its tokens at the price, else what its kind of table assumes.
 * Fractions of nano-dollars stay: replay compares sums, it bills nobody.
 * @returns undefined when none of the three is known.
 * @public
 */
export function outcomeCostUsd(outcome: ModelOutcome, price: TokenPrice | undefined): number | undefined {
  const { costUsd, inputTokens, outputTokens, assumedCostUsd } = outcome;
  if (costUsd !== undefined) return costUsd;
  if (price === undefined || inputTokens === undefined || outputTokens === undefined) return assumedCostUsd;
  return (inputTokens * price.inputUsdPerMillion + outputTokens * price.outputUsdPerMillion) / 1e6;
}
