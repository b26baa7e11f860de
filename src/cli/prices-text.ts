import { formatTarget, parseTarget } from '../core/model/target.ts';
import { inputTokensOf, type ServedTerms, type Usage, USAGE_BUCKETS, type UsageBucket } from '../core/model/usage.ts';
import { formatUsd } from '../core/money.ts';
import { modelFacts } from '../core/model-catalogue.ts';
import { findPrice, type PriceBook, type PriceEntry, type PriceTable, type PriceTarget } from '../core/price-book.ts';
import { formatPricePerMillion } from '../core/price-ratio.ts';
import { priceUsage } from '../core/price-usage.ts';
import { type ColumnAlign, plainTable } from './plain-table.ts';

const UNKNOWN = '-';
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const UNIT_NOTE =
  'Dollars per million tokens (searches: per million searches). Prices above a threshold hold for the whole request.';

function dayOf(atMs: number | undefined): string {
  return atMs === undefined ? UNKNOWN : new Date(atMs).toISOString().slice(0, 10);
}

function priceOf(prices: PriceTable, bucket: UsageBucket): string {
  const price = prices[bucket];
  return price === undefined ? UNKNOWN : formatPricePerMillion(price);
}

function writePrice(prices: PriceTable): string {
  const buckets: readonly UsageBucket[] = ['cacheWrite5m', 'cacheWrite30m', 'cacheWrite1h'];
  const known = buckets.filter((bucket) => prices[bucket] !== undefined);
  return known.length === 0 ? UNKNOWN : known.map((bucket) => priceOf(prices, bucket)).join(' / ');
}

function entryRow(entry: PriceEntry): readonly string[] {
  const { prices } = entry;
  const cells = [priceOf(prices, 'input'), priceOf(prices, 'cacheRead'), writePrice(prices), priceOf(prices, 'output')];
  const tier = entry.tiers.at(-1);
  const above = tier === undefined ? '' : `${tier.isInclusive ? '>=' : '>'}${tier.aboveTokens}`;
  return [`${entry.provider}/${entry.models[0] ?? ''}`, ...cells, above, dayOf(entry.validFromMs), entry.checkedOn];
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

function multiplierRows(entry: PriceEntry): readonly (readonly string[])[] {
  const kinds = [
    ['tier', entry.serviceTiers],
    ['speed', entry.speeds],
    ['geography', entry.geos],
  ] as const;
  const rows = kinds.flatMap(([kind, multipliers]) =>
    Object.entries(multipliers).map(([word, ratio]) => [`${kind} ${word}`, `x ${ratio.numerator / ratio.denominator}`]),
  );
  const windows = entry.windows.map(({ fromMinute, untilMinute, weekdays, multiplier }) => [
    `${clock(fromMinute)}-${clock(untilMinute)} UTC ${weekdays.map((day) => WEEKDAYS[day]).join(' ')}`,
    `x ${multiplier.numerator / multiplier.denominator}`,
  ]);
  return [...rows, ...windows];
}

/** One entry with all its buckets, thresholds, multipliers and where it comes from. */
function entryText(entry: PriceEntry): string {
  const headers = [
    'bucket',
    'price',
    ...entry.tiers.map((tier) => `${tier.isInclusive ? '>=' : '>'}${tier.aboveTokens}`),
  ];
  const rows = USAGE_BUCKETS.filter((bucket) => entry.prices[bucket] !== undefined).map((bucket) =>
    [bucket, priceOf(entry.prices, bucket)].concat(entry.tiers.map((tier) => priceOf(tier.prices, bucket))),
  );
  const align = headers.map((_, column): ColumnAlign => (column === 0 ? 'left' : 'right'));
  const terms = multiplierRows(entry);
  return [
    `${entry.id}   from ${dayOf(entry.validFromMs)} until ${dayOf(entry.validUntilMs)}`,
    `models: ${entry.models.join(', ')} (and their dated snapshots)`,
    plainTable(headers, rows, { align }),
    ...(terms.length === 0 ? [] : [plainTable(['terms', 'multiplier'], terms, { align: ['left', 'right'] })]),
    `source: ${entry.sourceUrl} (read on ${entry.checkedOn})`,
    ...(entry.note === undefined ? [] : [`note: ${entry.note}`]),
  ].join('\n');
}

/**
 * The target that a user names: `provider/model`, or a plain model that somebody in the book has. Some vendors' model names have a slash
 * of their own (`openai/gpt-oss-120b` at Groq), so the first reading that has a price wins.
 * @internal
 */
export function targetOf(book: PriceBook, text: string, atMs: number): PriceTarget {
  const written = parseTarget(text);
  if (written !== undefined && findPrice(book, written, atMs) !== undefined) return written;
  const providers = new Set(book.entries.map((entry) => entry.provider));
  const named = [...providers].map((provider) => ({ provider, model: text }));
  return (
    named.find((target) => findPrice(book, target, atMs) !== undefined) ?? written ?? { provider: '', model: text }
  );
}

/**
 * What `farthing prices show` prints: the prices that hold at a time.
 * @internal
 */
export function showPrices(book: PriceBook, atMs: number): string {
  const current = book.entries.filter(
    (entry) => findPrice(book, { provider: entry.provider, model: entry.models[0] ?? '' }, atMs) === entry,
  );
  const headers = ['model', 'input', 'cache read', 'cache write', 'output', 'tier at', 'from', 'checked'];
  const align = headers.map((_, column): ColumnAlign => (column > 0 && column < 6 ? 'right' : 'left'));
  const table = plainTable(headers, current.map(entryRow), { align });
  return [`Price book ${book.version}: ${current.length} prices`, table, UNIT_NOTE].join('\n');
}

/**
 * What `farthing prices show <model>` prints: everything about one model.
 * @internal
 */
export function showPrice(book: PriceBook, model: string, atMs: number): string {
  const target = targetOf(book, model, atMs);
  const entry = findPrice(book, target, atMs);
  if (entry === undefined) {
    return `No price for ${model}: calls to it are unpriced until prices: in the configuration says what it costs.`;
  }
  const facts = modelFacts(target.provider, target.model);
  const limits = `context window: ${facts?.contextWindowTokens ?? 'unknown'} tokens, at most ${facts?.maxOutputTokens ?? 'unknown'} out`;
  return [entryText(entry), limits, UNIT_NOTE].join('\n');
}

function changedBuckets(
  id: string,
  before: PriceEntry | undefined,
  after: PriceEntry | undefined,
): readonly (readonly string[])[] {
  const buckets = USAGE_BUCKETS.filter((bucket) => before?.prices[bucket] !== after?.prices[bucket]);
  return buckets.map((bucket) => [
    id,
    bucket,
    before === undefined ? UNKNOWN : priceOf(before.prices, bucket),
    after === undefined ? UNKNOWN : priceOf(after.prices, bucket),
  ]);
}

/**
 * What `farthing prices diff` prints: which prices another book changes, by entry.
 * @internal
 */
export function diffPrices(book: PriceBook, other: PriceBook): string {
  const before = new Map(book.entries.map((entry) => [entry.id, entry]));
  const after = new Map(other.entries.map((entry) => [entry.id, entry]));
  const rows = [...new Set([...before.keys(), ...after.keys()])].flatMap((id) =>
    changedBuckets(id, before.get(id), after.get(id)),
  );
  if (rows.length === 0) return `No base price differs between ${book.version} and ${other.version}.`;
  return plainTable(['entry', 'bucket', book.version, other.version], rows, {
    align: ['left', 'left', 'right', 'right'],
  });
}

/**
 * What `farthing prices explain` prints: how a usage is priced, bucket by bucket.
 * @internal
 */
export function explainPrice(
  book: PriceBook,
  target: PriceTarget,
  usage: Usage,
  terms: ServedTerms,
  atMs: number,
): string {
  const name = target.provider === '' ? target.model : formatTarget(target);
  const priced = priceUsage(book, target, usage, terms, atMs);
  if (priced.kind === 'unpriced') {
    const why = {
      model: 'the model has no price',
      bucket: 'a bucket in use has no price',
      terms: 'the served terms have no price',
    };
    return `${name} at ${new Date(atMs).toISOString()} is unpriced: ${why[priced.reason]}.`;
  }
  const rows = USAGE_BUCKETS.flatMap((bucket) => {
    const part = priced.parts[bucket];
    return part === undefined ? [] : [[bucket, String(usage[bucket]), formatUsd(part)]];
  });
  return [
    `${name} at ${new Date(atMs).toISOString()}, priced with ${priced.entryId}`,
    plainTable(['bucket', 'units', 'dollars'], [...rows, ['total', '', formatUsd(priced.amount)]], {
      align: ['left', 'right', 'right'],
    }),
    `input in all ${inputTokensOf(usage)} tokens; each line is rounded once, the total is their sum.`,
  ].join('\n');
}
