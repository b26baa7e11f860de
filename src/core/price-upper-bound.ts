import type { UsageBucket } from './model/usage.ts';
import { addUsd, nanoUsd, type NanoUsd, type PicoUsd, picoUsd } from './money.ts';
import {
  findPrice,
  type PriceBook,
  type PriceEntry,
  type PriceMultipliers,
  type PriceTable,
  type PriceTarget,
} from './price-book.ts';
import { isDearer, multiplyRatios, type PriceRatio, scaledCost, UNIT_RATIO } from './price-ratio.ts';

/** How large a call can get, in tokens of any kind. @public */
export interface TokenBound {
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
}

/** A usage is rounded half up bucket by bucket: half a nano-dollar for each of 14 buckets more than the exact sum. */
const ROUNDING_SLACK: NanoUsd = nanoUsd(7);

const INPUT_BUCKETS: readonly UsageBucket[] = [
  'input',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite30m',
  'cacheWrite1h',
  'inputAudio',
  'cacheReadAudio',
  'inputImage',
  'cacheReadImage',
  'inputVideo',
  'cacheReadVideo',
];
const OUTPUT_BUCKETS: readonly UsageBucket[] = ['output', 'outputAudio', 'outputImage'];

function dearestPrice(tables: readonly PriceTable[], buckets: readonly UsageBucket[]): PicoUsd {
  return picoUsd(Math.max(0, ...tables.flatMap((table) => buckets.map((bucket) => table[bucket] ?? 0))));
}

function dearestRatio(ratios: readonly PriceRatio[]): PriceRatio {
  return ratios.reduce((dearest, ratio) => (isDearer(ratio, dearest) ? ratio : dearest), UNIT_RATIO);
}

interface BoundRow {
  /** Input tokens from which the row can apply. */
  readonly fromTokens: number;
  readonly inputPrice: PicoUsd;
  readonly outputPrice: PicoUsd;
}

interface EntryBound {
  /** By rising `fromTokens`; prices never fall from row to row. */
  readonly rows: readonly BoundRow[];
  readonly ratio: PriceRatio;
}

const bounds = new WeakMap<PriceEntry, EntryBound>();

function dearestTerms(entry: PriceEntry): PriceRatio {
  const terms = (multipliers: PriceMultipliers): PriceRatio => dearestRatio(Object.values(multipliers));
  const windows = dearestRatio(entry.windows.map((window) => window.multiplier));
  return multiplyRatios(
    multiplyRatios(terms(entry.serviceTiers), terms(entry.speeds)),
    multiplyRatios(terms(entry.geos), windows),
  );
}

function boundOf(entry: PriceEntry): EntryBound {
  const known = bounds.get(entry);
  if (known !== undefined) return known;
  const tables: PriceTable[] = [];
  const rows: BoundRow[] = [];
  for (const { fromTokens, prices } of [
    { fromTokens: 0, prices: entry.prices },
    ...entry.tiers.map((tier) => ({ fromTokens: tier.aboveTokens, prices: tier.prices })),
  ]) {
    tables.push(prices);
    rows.push({
      fromTokens,
      inputPrice: dearestPrice(tables, INPUT_BUCKETS),
      outputPrice: dearestPrice(tables, OUTPUT_BUCKETS),
    });
  }
  const bound = { rows, ratio: dearestTerms(entry) };
  bounds.set(entry, bound);
  return bound;
}

/**
 * The most that a call within `bound` can cost: every input token in the dearest input bucket (a cache write, audio), every output token
 * in the dearest output bucket, at the dearest context tier that the input can reach and the dearest service tier, speed,
 * geography and hour, rounded up. Searches by the provider's own tools are not in it.
 * @returns undefined when the model, its input or its output has no price.
 * @public
 */
export function upperBound(book: PriceBook, target: PriceTarget, bound: TokenBound, atMs: number): NanoUsd | undefined {
  const entry = findPrice(book, target, atMs);
  if (entry === undefined || entry.prices.input === undefined) return undefined;
  if (bound.maxOutputTokens > 0 && entry.prices.output === undefined) return undefined;
  const { rows, ratio } = boundOf(entry);
  const row = rows.findLast((candidate) => bound.inputTokens >= candidate.fromTokens);
  if (row === undefined) return undefined;
  return addUsd(
    ROUNDING_SLACK,
    scaledCost(bound.inputTokens, row.inputPrice, ratio, 'up'),
    scaledCost(bound.maxOutputTokens, row.outputPrice, ratio, 'up'),
  );
}
