import type { PicoUsd } from '../money.ts';
import type { CacheRatios } from './prefix-block.ts';

/** What a token costs by how it is served, in pico-dollars; undefined where that is not known. @public */
export type CachePrices = {
  readonly [Bucket in 'input' | 'cacheRead' | 'cacheWrite5m' | 'cacheWrite30m' | 'cacheWrite1h']?: PicoUsd | undefined;
};

/** Lives that providers sell. @public */
export type CacheLife = '5m' | '30m' | '1h';

const WRITE_BUCKETS = { '5m': 'cacheWrite5m', '30m': 'cacheWrite30m', '1h': 'cacheWrite1h' } as const;

/**
 * What reading and writing cost as multiples of input, by a model's own prices. Undefined where one of them is not known: then nothing is planned.
 * @param writesPriced - false: writing is free (ratio 1).
 * @public
 */
export function cacheRatios(prices: CachePrices, life: CacheLife, writesPriced: boolean): CacheRatios | undefined {
  const { input, cacheRead } = prices;
  const write = writesPriced ? prices[WRITE_BUCKETS[life]] : input;
  if (input === undefined || input === 0 || cacheRead === undefined || write === undefined) return undefined;
  const ratios = { writeRatio: write / input, readRatio: cacheRead / input };
  // A write below the price of input or a read above it is no cache that planning could help.
  return ratios.writeRatio >= 1 && ratios.readRatio <= 1 ? ratios : undefined;
}
