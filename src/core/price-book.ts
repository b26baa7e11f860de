import type { UsageBucket } from './model/usage.ts';
import type { PicoUsd } from './money.ts';
import type { PriceRatio } from './price-ratio.ts';

/** Prices in pico-dollars per unit. A bucket that is absent has no price: unpriced, never free. @public */
export type PriceTable = Readonly<Partial<Record<UsageBucket, PicoUsd>>>;

/** Prices that hold for the **whole** request once its input passes a threshold. @public */
export interface ContextTier {
  /** Input tokens of every kind, cached ones included. */
  readonly aboveTokens: number;
  /** Whether exactly `aboveTokens` is in the tier. */
  readonly isInclusive: boolean;
  readonly prices: PriceTable;
}

/** Hours of the week (UTC) with their own multiplier. @public */
export interface PriceWindow {
  /** Days on which the window opens, 0 is Sunday. */
  readonly weekdays: readonly number[];
  /** Minutes after midnight UTC, inclusive. */
  readonly fromMinute: number;
  /** Minutes after midnight UTC, exclusive; at most 1,440. */
  readonly untilMinute: number;
  readonly multiplier: PriceRatio;
}

/** Multipliers by the word that the reply states. @public */
export type PriceMultipliers = Readonly<Record<string, PriceRatio>>;

/** What one model costs during one time. @public */
export interface PriceEntry {
  /** Unique in its book: `openai/gpt-5.6-sol@2026-08-21`. Kept with every charge. */
  readonly id: string;
  /** Whose models these are: a vendor (`openai`), or the configured name of a provider where {@link isOwn}. */
  readonly provider: string;
  /** Whether the operator stated the price, for a provider by its configured name, rather than a vendor for all. */
  readonly isOwn: boolean;
  /** Exact ids. Each also stands for its dated snapshots (`gpt-4o` for `gpt-4o-2024-08-06`), and for nothing else. */
  readonly models: readonly string[];
  /** Unix milliseconds, inclusive; undefined: always has been. */
  readonly validFromMs: number | undefined;
  /** Unix milliseconds, exclusive; undefined: no end is known. */
  readonly validUntilMs: number | undefined;
  readonly prices: PriceTable;
  /** By rising threshold. */
  readonly tiers: readonly ContextTier[];
  /** By **served** tier (`flex`, `batch`, `priority`). A tier that is neither here nor a standard one is unpriced. */
  readonly serviceTiers: PriceMultipliers;
  readonly speeds: PriceMultipliers;
  readonly geos: PriceMultipliers;
  readonly windows: readonly PriceWindow[];
  /** Where the prices were read. */
  readonly sourceUrl: string;
  /** The day on which they were, `YYYY-MM-DD`. */
  readonly checkedOn: string;
  /** What a reader should know: second-hand facts, deviations. */
  readonly note: string | undefined;
}

/** Dated prices. Where several entries hold for a model at a time, the last one wins. @public */
export interface PriceBook {
  /** Kept with every charge: `2026-11-23`. */
  readonly version: string;
  readonly entries: readonly PriceEntry[];
}

/** What is priced. @public */
export interface PriceTarget {
  /** The configured provider's name, or a vendor. */
  readonly provider: string;
  readonly model: string;
  /**
   * Whose list prices hold where the operator stated none for `provider`. Undefined: nobody's, whatever the provider is called.
   * @defaultValue `provider` itself, when the field is left out
   */
  readonly vendor?: string | undefined;
}

type ModelIndex = Map<string, readonly PriceEntry[] | undefined>;

const NO_ENTRIES: readonly PriceEntry[] = [];
/** Model names come from callers: what is remembered of them is bounded. */
const MAX_REMEMBERED_MODELS = 10_000;
/** `-2024-08-06`, `-20250929` or `@20250929` at the end, as OpenAI, Anthropic and Google date snapshots. */
const SNAPSHOT_DATE =
  /[-@](?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$/;

interface BookIndex {
  /** The operator's prices by the configured name of the provider. */
  readonly own: Map<string, ModelIndex>;
  /** List prices by vendor. */
  readonly list: Map<string, ModelIndex>;
}

const indexes = new WeakMap<PriceBook, BookIndex>();

/** The model without its snapshot date; undefined when it carries none. @public */
export function snapshotBase(model: string): string | undefined {
  const match = SNAPSHOT_DATE.exec(model);
  return match === null || match.index === 0 ? undefined : model.slice(0, match.index);
}

function indexEntries(entries: readonly PriceEntry[]): Map<string, ModelIndex> {
  const index = new Map<string, Map<string, PriceEntry[]>>();
  for (const entry of entries) {
    const models = index.get(entry.provider) ?? new Map<string, PriceEntry[]>();
    index.set(entry.provider, models);
    for (const model of entry.models) models.set(model, [entry, ...(models.get(model) ?? [])]);
  }
  return index;
}

function indexOf(book: PriceBook): BookIndex {
  const known = indexes.get(book);
  if (known !== undefined) return known;
  const index = {
    own: indexEntries(book.entries.filter((entry) => entry.isOwn)),
    list: indexEntries(book.entries.filter((entry) => !entry.isOwn)),
  };
  indexes.set(book, index);
  return index;
}

/** The entries of a model, the winning one first: exact id, else the id without `models/`, else without its snapshot date. */
function entriesOf(models: ModelIndex, model: string): readonly PriceEntry[] {
  const known = models.get(model);
  if (known !== undefined) return known;
  const plain = model.startsWith('models/') ? model.slice('models/'.length) : model; // Google's resource name
  const base = snapshotBase(plain);
  const found = models.get(plain) ?? (base === undefined ? undefined : models.get(base)) ?? NO_ENTRIES;
  if (models.size > MAX_REMEMBERED_MODELS) return found;
  models.set(model, found);
  return found;
}

function isValidAt(entry: PriceEntry, atMs: number): boolean {
  return (entry.validFromMs ?? -Infinity) <= atMs && atMs < (entry.validUntilMs ?? Infinity);
}

function findIn(models: ModelIndex | undefined, model: string, atMs: number): PriceEntry | undefined {
  if (models === undefined) return undefined;
  for (const entry of entriesOf(models, model)) {
    if (isValidAt(entry, atMs)) return entry;
  }
  return undefined;
}

/**
 * Finds what a model costs at a time: what the operator says, else the vendor's list price. A name matches exactly or as a dated snapshot of an exact name; never by a looser prefix,
 * so that a new generation is unpriced until somebody states its price.
 * @public
 */
export function findPrice(book: PriceBook, target: PriceTarget, atMs: number): PriceEntry | undefined {
  const index = indexOf(book);
  const own = findIn(index.own.get(target.provider), target.model, atMs);
  if (own !== undefined) return own;
  const vendor = 'vendor' in target ? target.vendor : target.provider;
  return vendor === undefined ? undefined : findIn(index.list.get(vendor), target.model, atMs);
}

/**
 * Lays books over each other. The last one that has a price for a model at a time wins; what it does not have comes from those before.
 * @public
 */
export function layerPriceBooks(shipped: PriceBook, feed?: PriceBook, operator?: PriceBook): PriceBook {
  const layers: PriceBook[] = [];
  for (const layer of [shipped, feed, operator]) {
    if (layer !== undefined && layer.entries.length > 0) layers.push(layer);
  }
  const only = layers[0];
  if (layers.length <= 1) return only ?? shipped;
  return { version: layers.map((layer) => layer.version).join('+'), entries: layers.flatMap((layer) => layer.entries) };
}
