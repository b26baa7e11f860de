import { USAGE_BUCKETS, type UsageBucket } from '../../core/model/usage.ts';
import { shippedPriceBook } from '../../core/price-book-shipped.ts';
import { findPrice } from '../../core/price-book.ts';
import type { SimulatedPrices } from '../../simulator/provider-invoice.ts';

/** The models of the demo's traffic and whose they are. */
const DEMO_MODELS: Readonly<Record<string, string>> = {
  'gpt-5.4-nano': 'openai',
  'gpt-5.4-mini': 'openai',
  'gpt-5.5': 'openai',
  'text-embedding-3-small': 'openai',
  'claude-sonnet-5': 'anthropic',
  'claude-haiku-4-5': 'anthropic',
};

/**
 * Today's list prices of the demo's models as the simulated provider's own table. Only the figures come from the price book; the invoice is
 * calculated apart from the code that fills the ledger.
 * @throws RangeError when a model is not in the shipped price book.
 * @internal
 */
export function demoPrices(nowMs: number): SimulatedPrices {
  const prices: Record<string, Partial<Record<UsageBucket, number>>> = {};
  for (const [model, provider] of Object.entries(DEMO_MODELS)) {
    const entry = findPrice(shippedPriceBook(), { provider, model }, nowMs);
    if (entry === undefined) throw new RangeError(`the shipped price book has no price for ${model}`);
    const table: Partial<Record<UsageBucket, number>> = {};
    for (const bucket of USAGE_BUCKETS) {
      const price = entry.prices[bucket];
      if (price !== undefined) table[bucket] = price;
    }
    prices[model] = table;
  }
  return prices;
}
