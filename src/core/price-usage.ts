import { type ServedTerms, type Usage, USAGE_BUCKETS, type UsageBucket, inputTokensOf } from './model/usage.ts';
import { nanoUsd, type NanoUsd } from './money.ts';
import {
  findPrice,
  type PriceBook,
  type PriceEntry,
  type PriceMultipliers,
  type PriceTable,
  type PriceTarget,
} from './price-book.ts';
import { multiplyRatios, type PriceRatio, scaledCost, UNIT_RATIO } from './price-ratio.ts';
import { statedAmount } from './price-stated.ts';

/** What each bucket cost; buckets that cost nothing are left out. @public */
export type PriceParts = Readonly<Partial<Record<UsageBucket, NanoUsd>>>;

/**
 * What a usage costs, or why that is not known: `model` has no entry at that time, a non-empty `bucket` has no price,
 * the served `terms` (tier, speed, geography) have no price.
 * @public
 */
export type Priced =
  | {
      readonly kind: 'priced';
      readonly amount: NanoUsd;
      /** Sums exactly to `amount`; empty where the provider stated the cost itself. */
      readonly parts: PriceParts;
      /** `<book version>:<entry id>`, or `stated`. */
      readonly entryId: string;
    }
  | { readonly kind: 'unpriced'; readonly reason: 'model' | 'bucket' | 'terms' };

/** `entryId` of a cost that the provider stated itself. */
const STATED_ENTRY = 'stated';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** 1 January 1970 was a Thursday. */
const EPOCH_WEEKDAY = 4;

/** Words for the list price. OpenAI says `default` (or repeats `auto`), Anthropic and Google `standard`, Groq `on_demand`. */
const STANDARD_TIERS: ReadonlySet<string> = new Set(['default', 'standard', 'auto', 'on_demand']);
const STANDARD_SPEEDS: ReadonlySet<string> = new Set(['standard']);
const STANDARD_GEOS: ReadonlySet<string> = new Set(['global', 'not_available']);

/** Multiplies tokens only: searches cost the same on every tier, as vendors' pages list them apart. */
const PER_CALL_BUCKETS: ReadonlySet<UsageBucket> = new Set(['webSearch']);

function termRatio(
  word: string | undefined,
  multipliers: PriceMultipliers,
  standard: ReadonlySet<string>,
): PriceRatio | undefined {
  if (word === undefined || word === '' || standard.has(word)) return UNIT_RATIO;
  const lower = word.toLowerCase();
  if (Object.hasOwn(multipliers, lower)) return multipliers[lower];
  return standard.has(lower) ? UNIT_RATIO : undefined;
}

/** The multiplier of the time window that a moment falls into. */
function windowRatio(entry: PriceEntry, atMs: number): PriceRatio {
  if (entry.windows.length === 0) return UNIT_RATIO;
  const minutes = Math.floor(atMs / MINUTE_MS);
  const day = Math.floor(minutes / DAY_MINUTES);
  const minute = minutes - day * DAY_MINUTES;
  const weekday = (((day + EPOCH_WEEKDAY) % 7) + 7) % 7;
  const open = entry.windows.find(
    (window) => window.fromMinute <= minute && minute < window.untilMinute && window.weekdays.includes(weekday),
  );
  return open?.multiplier ?? UNIT_RATIO;
}

function ratioOf(entry: PriceEntry, terms: ServedTerms, atMs: number): PriceRatio | undefined {
  const tier = termRatio(terms.serviceTier, entry.serviceTiers, STANDARD_TIERS);
  const speed = termRatio(terms.speed, entry.speeds, STANDARD_SPEEDS);
  const geo = termRatio(terms.geo, entry.geos, STANDARD_GEOS);
  if (tier === undefined || speed === undefined || geo === undefined) return undefined;
  return multiplyRatios(multiplyRatios(multiplyRatios(tier, speed), geo), windowRatio(entry, atMs));
}

/** The prices of the highest context tier that an input reaches, in the order in which the entry lists them. @public */
export function tierPrices(entry: PriceEntry, inputTokens: number): PriceTable {
  let prices = entry.prices;
  for (const tier of entry.tiers) {
    if (inputTokens > tier.aboveTokens || (tier.isInclusive && inputTokens === tier.aboveTokens)) prices = tier.prices;
  }
  return prices;
}

/**
 * Prices a usage by the terms on which it was served. Each bucket is rounded once, half up; the amount is the sum of the rounded parts.
 * A cost that the provider stated itself wins over the book.
 * @public
 */
export function priceUsage(
  book: PriceBook,
  target: PriceTarget,
  usage: Usage,
  terms: ServedTerms,
  atMs: number,
): Priced {
  const stated = statedAmount(terms.statedCostUsd);
  if (stated !== undefined) return { kind: 'priced', amount: stated, parts: {}, entryId: STATED_ENTRY };
  const entry = findPrice(book, target, atMs);
  if (entry === undefined) return { kind: 'unpriced', reason: 'model' };
  const ratio = ratioOf(entry, terms, atMs);
  if (ratio === undefined) return { kind: 'unpriced', reason: 'terms' };
  const prices = tierPrices(entry, inputTokensOf(usage));
  const parts: Partial<Record<UsageBucket, NanoUsd>> = {};
  let amount = 0;
  for (const bucket of USAGE_BUCKETS) {
    const units = usage[bucket];
    if (units === 0) continue;
    const price = prices[bucket];
    if (price === undefined) return { kind: 'unpriced', reason: 'bucket' };
    const part = scaledCost(units, price, PER_CALL_BUCKETS.has(bucket) ? UNIT_RATIO : ratio);
    parts[bucket] = part;
    amount += part;
  }
  return { kind: 'priced', amount: nanoUsd(amount), parts, entryId: `${book.version}:${entry.id}` };
}
