import type { Random } from '../ports/clock.ts';

/** A whole number in [low, high], both included. @internal */
export function integerBetween(random: Random, low: number, high: number): number {
  return low + Math.floor(random.fraction() * (high - low + 1));
}

/**
 * One of the items, each as likely as the others.
 * @throws RangeError when there is none.
 * @internal
 */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random.fraction() * items.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}

/** A skewed number: half of the draws lie below `median`; `sigma` is the spread of its logarithm. @internal */
export function logNormal(random: Random, median: number, sigma: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
  return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random.fraction()));
}

/**
 * The spread of a skewed quantity whose median and 95th percentile are known: `ln(p95 / p50) / 1.645`,
 * 1.645 being the 95th percentile of the standard normal distribution.
 * @internal
 */
export function sigmaOf(median: number, p95: number): number {
  return Math.log(p95 / median) / 1.645;
}

/** An index in [0, count): the first is the most popular, falling as 1 / rank (Zipf, exponent 1). @internal */
export function popularIndex(random: Random, count: number): number {
  return Math.min(count - 1, Math.floor((count + 1) ** random.fraction() - 1));
}
