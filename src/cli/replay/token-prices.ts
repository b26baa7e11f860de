import { InvalidArgumentError } from 'commander';
import { findPrice, type PriceBook } from '../../core/price-book.ts';
import type { TokenPrice } from '../../core/replay/outcome-cost.ts';
import { targetOf } from '../prices-text.ts';

/** A million tokens at a pico-dollar each cost a millionth of a dollar. */
const PICO_USD_PER_TOKEN_OF_USD_PER_MILLION = 1e6;

/**
 * Reads `model=in/out`, dollars per million tokens, into those that were read before.
 * @throws InvalidArgumentError on anything else.
 * @internal
 */
export function readTokenPrice(
  text: string,
  before: ReadonlyMap<string, TokenPrice> = new Map(),
): ReadonlyMap<string, TokenPrice> {
  // Behind the last sign: a model's name may have one.
  const sign = text.lastIndexOf('=');
  const [input, output, more] = text.slice(sign + 1).split('/');
  const inputUsdPerMillion = dollars(input);
  const outputUsdPerMillion = dollars(output);
  if (sign < 1 || inputUsdPerMillion === undefined || outputUsdPerMillion === undefined || more !== undefined)
    throw new InvalidArgumentError('model=in/out in dollars per million tokens, such as gpt-4o-mini=0.15/0.6');
  return new Map([...before, [text.slice(0, sign), { inputUsdPerMillion, outputUsdPerMillion }]]);
}

/**
 * What models charge: as the user says, else as the price book has it for their name. The price of a short prompt: tiers by length, caches and batches do not count.
 * @internal
 */
export function tokenPrices(
  stated: ReadonlyMap<string, TokenPrice>,
  book: PriceBook,
  nowMs: number,
): (model: string) => TokenPrice | undefined {
  return (model) => {
    const own = stated.get(model);
    if (own !== undefined) return own;
    const prices = findPrice(book, targetOf(book, model, nowMs), nowMs)?.prices;
    if (prices?.input === undefined || prices.output === undefined) return undefined;
    return {
      inputUsdPerMillion: prices.input / PICO_USD_PER_TOKEN_OF_USD_PER_MILLION,
      outputUsdPerMillion: prices.output / PICO_USD_PER_TOKEN_OF_USD_PER_MILLION,
    };
  };
}

function dollars(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}
