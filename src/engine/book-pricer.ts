import { modelFacts } from '../core/model-catalogue.ts';
import type { Target } from '../core/model/target.ts';
import { repeatedUsage } from '../core/baseline-usage.ts';
import type { PriceBook, PriceTarget } from '../core/price-book.ts';
import { upperBound } from '../core/price-upper-bound.ts';
import { priceUsage } from '../core/price-usage.ts';
import type { Pricer } from '../ports/pricer.ts';

/**
 * Prices by a book: under the provider's configured name first (the operator's own prices), else under its vendor's.
 * @param vendors - the vendor of each configured provider; a provider without one has the operator's prices only.
 * @internal
 */
export function bookPricer(book: PriceBook, vendors: ReadonlyMap<string, string | undefined>): Pricer {
  const priced = (target: Target): PriceTarget => ({ ...target, vendor: vendors.get(target.provider) });
  return {
    price(target, usage, terms, atMs) {
      const result = priceUsage(book, priced(target), usage, terms, atMs);
      return result.kind === 'priced' ? { amountNanoUsd: result.amount, priceEntry: result.entryId } : undefined;
    },
    upperBound(target, inputTokens, maxOutputTokens, atMs) {
      const output = maxOutputTokens ?? modelFacts(vendors.get(target.provider), target.model)?.maxOutputTokens;
      if (output === undefined) return undefined;
      return upperBound(book, priced(target), { inputTokens, maxOutputTokens: output }, atMs);
    },
    repeatedUsage(target, usage, sinceMs) {
      const regime = modelFacts(vendors.get(target.provider), target.model)?.promptCache;
      return regime === undefined ? usage : repeatedUsage(usage, regime, sinceMs);
    },
  };
}
