import { type ModelFacts, modelFacts } from '../core/model-catalogue.ts';
import type { Target } from '../core/model/target.ts';
import { repeatedUsage } from '../core/baseline-usage.ts';
import { findPrice, type PriceBook, type PriceTarget } from '../core/price-book.ts';
import { upperBound } from '../core/price-upper-bound.ts';
import { sessionPrices } from '../core/route/session-move.ts';
import { priceUsage, tierPrices } from '../core/price-usage.ts';
import type { Pricer } from '../ports/pricer.ts';

/**
 * Prices by a book: under the provider's configured name first (the operator's own prices), else under its vendor's.
 * @param vendors - the vendor of each configured provider; a provider without one has the operator's prices only.
 * @internal
 */
export function bookPricer(book: PriceBook, vendors: ReadonlyMap<string, string | undefined>): Pricer {
  const priced = (target: Target): PriceTarget => ({ ...target, vendor: vendors.get(target.provider) });
  const factsOf = (target: Target): ModelFacts | undefined => {
    const vendor = vendors.get(target.provider);
    return vendor === undefined ? undefined : modelFacts(vendor, target.model);
  };
  return {
    price(target, usage, terms, atMs) {
      const result = withinMoney(() => priceUsage(book, priced(target), usage, terms, atMs));
      if (result === undefined) return undefined;
      return result.kind === 'priced' ? { amountNanoUsd: result.amount, priceEntry: result.entryId } : undefined;
    },
    limits(target) {
      const facts = factsOf(target);
      return {
        name: target.model,
        contextWindowTokens: facts?.contextWindowTokens,
        maxOutputTokens: facts?.maxOutputTokens,
      };
    },
    vendorOf: (target) => vendors.get(target.provider),
    upperBound(target, bound, atMs) {
      const output = bound.maxOutputTokens ?? factsOf(target)?.maxOutputTokens;
      if (output === undefined) return undefined;
      const size = { inputTokens: bound.inputTokens, maxOutputTokens: output * bound.samples };
      return withinMoney(() => upperBound(book, priced(target), size, atMs));
    },
    inputRates(target, inputTokens, atMs) {
      const entry = findPrice(book, priced(target), atMs);
      if (entry === undefined) return undefined;
      const { input, cacheRead, cacheWrite5m, cacheWrite30m, cacheWrite1h } = tierPrices(entry, inputTokens);
      return input === undefined ? undefined : { input, cacheRead, cacheWrite5m, cacheWrite30m, cacheWrite1h };
    },
    sessionPrices(target, inputTokens, atMs) {
      const entry = findPrice(book, priced(target), atMs);
      return entry === undefined ? undefined : sessionPrices(tierPrices(entry, inputTokens));
    },
    promptCache: (target) => factsOf(target)?.promptCache,
    repeatedUsage: (target, usage, sinceMs) => repeatedUsage(usage, factsOf(target)?.promptCache, sinceMs),
  };
}

/** An amount beyond what {@link NanoUsd} holds (nine million dollars for one call) is nonsense stated by somebody: not known, never a fault of the call. */
function withinMoney<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
