import { modelFacts } from '../../core/model-catalogue.ts';
import { costOf, type NanoUsd, type PicoUsd, picoUsd, ZERO_USD } from '../../core/money.ts';
import { findPrice, type PriceBook, type PriceTable } from '../../core/price-book.ts';
import { targetOfModel } from './model-counter.ts';

/** The prices that decide whether a summary pays. @internal */
export interface SummaryPrices {
  /** Of a token that would be left out. */
  readonly inputPrice: PicoUsd;
  /** Of writing what stands behind the summary to the provider's cache again. */
  readonly prefixCostUsd: NanoUsd;
  readonly summariserInputPrice: PicoUsd;
  readonly summariserOutputPrice: PicoUsd;
}

/**
 * Finds them in a price book.
 * @param isCached - whether the provider has the prompt in its cache.
 * @param tokensBehind - that stand behind what the summary replaces.
 * @returns undefined where either model has no price.
 * @internal
 */
export function summaryPrices(
  book: PriceBook,
  {
    model,
    summariser,
    isCached,
    tokensBehind,
    nowMs,
  }: {
    readonly model: string;
    readonly summariser: string;
    readonly isCached: boolean;
    readonly tokensBehind: number;
    readonly nowMs: number;
  },
): SummaryPrices | undefined {
  const own = pricesOf(book, model, nowMs);
  const others = pricesOf(book, summariser, nowMs);
  if (own?.input === undefined || others?.input === undefined || others.output === undefined) return undefined;
  const read = own.cacheRead ?? own.input;
  const write = own.cacheWrite5m ?? own.cacheWrite30m ?? own.input;
  const again = picoUsd(Math.max(0, write - read));
  return {
    inputPrice: isCached ? read : own.input,
    prefixCostUsd: isCached ? costOf(tokensBehind, again, 'up') : ZERO_USD,
    summariserInputPrice: others.input,
    summariserOutputPrice: others.output,
  };
}

function pricesOf(book: PriceBook, name: string, nowMs: number): PriceTable | undefined {
  const { model, provider } = targetOfModel(name);
  return provider === undefined ? undefined : findPrice(book, { provider, model }, nowMs)?.prices;
}

/** Whether a model thinks before it answers though nobody asked it to, which its limit of output has to have room for. @internal */
export function thinksUnasked(name: string): boolean {
  const { model, provider } = targetOfModel(name);
  // Claude thinks where a request says so.
  return provider !== undefined && provider !== 'anthropic' && modelFacts(provider, model)?.reasoning === true;
}
