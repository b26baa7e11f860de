import { FarthingError } from './errors.ts';
import { nanoUsd, type NanoUsd, type PicoUsd, picoUsd, costOf } from './money.ts';
import { withoutTrailing } from './without-trailing.ts';

/** An exact multiplier, `1.7` as 17/10. @public */
export interface PriceRatio {
  readonly numerator: number;
  readonly denominator: number;
}

/** Leaves a price as it is. @public */
export const UNIT_RATIO: PriceRatio = Object.freeze({ numerator: 1, denominator: 1 });

const RATIO = /^(\d{1,3})(?:\.(\d{1,4}))?$/;
const PRICE = /^(\d{1,9})(?:\.(\d{1,6}))?$/;
/** One dollar per million units is 1e12 / 1e6 = 1e6 pico-dollars per unit: as many digits as a price may have decimals. */
const PRICE_DECIMALS = 6;

/**
 * Reads a multiplier from decimal text, exactly.
 * @throws FarthingError `configuration` on anything but up to three digits and four decimals.
 * @public
 */
export function parseRatio(text: string): PriceRatio {
  const match = RATIO.exec(text);
  if (match === null) throw new FarthingError('configuration', `"${text}" is not a multiplier; write 0.5 or 2`);
  const decimals = match[2] ?? '';
  return { numerator: Number(`${match[1] ?? ''}${decimals}`), denominator: 10 ** decimals.length };
}

/** One multiplier after the other. @public */
export function multiplyRatios(left: PriceRatio, right: PriceRatio): PriceRatio {
  if (left === UNIT_RATIO) return right;
  if (right === UNIT_RATIO) return left;
  return { numerator: left.numerator * right.numerator, denominator: left.denominator * right.denominator };
}

/** Whether the first multiplier makes things dearer than the second. @public */
export function isDearer(left: PriceRatio, right: PriceRatio): boolean {
  return left.numerator * right.denominator > right.numerator * left.denominator;
}

/**
 * Reads dollars per million units (`"0.0375"`) as pico-dollars per unit, without passing through floating point.
 * @throws FarthingError `configuration` on anything but digits with at most six decimals: a finer price does not fit a pico-dollar per unit.
 * @public
 */
export function parsePricePerMillion(text: string): PicoUsd {
  const match = PRICE.exec(text.trim());
  if (match === null) {
    throw new FarthingError(
      'configuration',
      `"${text}" is not a price in dollars per million; write 0.75 (at most six decimals)`,
    );
  }
  return picoUsd(Number(`${match[1] ?? ''}${(match[2] ?? '').padEnd(PRICE_DECIMALS, '0')}`));
}

/** Writes pico-dollars per unit as dollars per million units: the inverse of {@link parsePricePerMillion}. @public */
export function formatPricePerMillion(price: PicoUsd): string {
  const digits = String(price).padStart(PRICE_DECIMALS + 1, '0');
  const decimals = withoutTrailing(digits.slice(-PRICE_DECIMALS), '0');
  const whole = digits.slice(0, -PRICE_DECIMALS);
  return decimals === '' ? whole : `${whole}.${decimals}`;
}

/**
 * What `units` cost at `price` times `ratio`, rounded once, half up or up, to a nano-dollar.
 * @public
 */
export function scaledCost(
  units: number,
  price: PicoUsd,
  ratio: PriceRatio,
  rounding: 'half-up' | 'up' = 'half-up',
): NanoUsd {
  if (ratio === UNIT_RATIO) return costOf(units, price, rounding);
  const scaled = price * ratio.numerator;
  if (scaled % ratio.denominator === 0) return costOf(units, picoUsd(scaled / ratio.denominator), rounding);
  const divisor = 1000n * BigInt(ratio.denominator);
  const exact = BigInt(units) * BigInt(price) * BigInt(ratio.numerator);
  return nanoUsd(Number((exact + (rounding === 'up' ? divisor - 1n : divisor / 2n)) / divisor));
}
