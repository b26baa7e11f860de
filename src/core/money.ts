/**
 * Money as integers: prices in pico-dollars per unit, amounts in nano-dollars.
 * 2^53 nano-dollars are about nine million dollars, enough for one call; sums over many calls use `bigint`.
 */

/** An amount in nano-dollars (1e-9 USD), a whole number. @public */
export type NanoUsd = number & { readonly __brand: 'NanoUsd' };

/** A price in pico-dollars (1e-12 USD) per unit (token, search, second), a whole number. @public */
export type PicoUsd = number & { readonly __brand: 'PicoUsd' };

/** No money. @public */
export const ZERO_USD: NanoUsd = 0 as NanoUsd;

const NANO_DIGITS = 9;
const DECIMAL = /^(-?)(\d{1,7})(?:\.(\d+))?$/;

/**
 * Takes a whole number of nano-dollars.
 * @throws RangeError when the number is not a safe integer.
 * @public
 */
export function nanoUsd(amount: number): NanoUsd {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`not a whole number of nano-dollars: ${amount}`);
  return (amount === 0 ? 0 : amount) as NanoUsd;
}

/**
 * Takes a whole number of pico-dollars per unit.
 * @throws RangeError when the number is negative or not a safe integer.
 * @public
 */
export function picoUsd(price: number): PicoUsd {
  if (!Number.isSafeInteger(price) || price < 0) throw new RangeError(`not a price in pico-dollars: ${price}`);
  return price as PicoUsd;
}

/** Adds amounts; the empty sum is zero. @public */
export function addUsd(...amounts: readonly NanoUsd[]): NanoUsd {
  let sum = 0;
  for (const amount of amounts) sum += amount;
  return nanoUsd(sum);
}

/** `minuend - subtrahend`; may be negative. @public */
export function subtractUsd(minuend: NanoUsd, subtrahend: NanoUsd): NanoUsd {
  return nanoUsd(minuend - subtrahend);
}

/**
 * What `units` cost at `price`, rounded half up (or up, for reservations) to a nano-dollar.
 * The product is taken in `bigint` where it would leave the safe integers.
 * @public
 */
export function costOf(units: number, price: PicoUsd, rounding: 'half-up' | 'up' = 'half-up'): NanoUsd {
  const product = units * price;
  if (Number.isSafeInteger(product)) {
    const rest = product % 1000;
    const whole = (product - rest) / 1000;
    return nanoUsd(whole + Number(rounding === 'up' ? rest > 0 : rest >= 500));
  }
  const exact = BigInt(units) * BigInt(price);
  return nanoUsd(Number((exact + (rounding === 'up' ? 999n : 500n)) / 1000n));
}

/**
 * Reads a decimal string of dollars (`"12.5"`) without passing through floating point.
 * @throws RangeError on anything but digits with at most nine decimals.
 * @public
 */
export function parseUsd(text: string): NanoUsd {
  const match = DECIMAL.exec(text.trim());
  const decimals = match?.[3] ?? '';
  if (match === null || decimals.length > NANO_DIGITS) throw new RangeError(`not an amount in dollars: ${text}`);
  const amount = Number(`${match[2] ?? '0'}${decimals.padEnd(NANO_DIGITS, '0')}`);
  return nanoUsd(match[1] === '-' ? -amount : amount);
}

/**
 * Writes an amount as decimal dollars without loss: `0.000000125`, trailing zeros cut but at least two decimals.
 * @public
 */
export function formatUsd(amount: NanoUsd | bigint): string {
  const value = BigInt(amount);
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(NANO_DIGITS + 1, '0');
  const decimals = digits.slice(-NANO_DIGITS).replace(/0{1,7}$/, '');
  return `${sign}${digits.slice(0, -NANO_DIGITS)}.${decimals}`;
}
