import catalogue from './data/model-catalogue.json' with { type: 'json' };
import { snapshotBase } from './price-book.ts';

/**
 * How a provider caches prompt prefixes. `implicit`: by itself, whatever the caller does. `explicit`: only what the caller marked.
 * @public
 */
export interface PromptCacheRegime {
  readonly kind: 'implicit' | 'explicit';
  /** Shorter prompts are not cached. */
  readonly minimumTokens: number;
  /** Cached lengths are multiples of this. */
  readonly stepTokens: number;
  /**
   * For how long after its last use a prefix is expected to be readable, in milliseconds. Of the lives that a provider documents, the
   * longest, so that savings are never overstated. An explicit regime's one-hour writes live an hour whatever stands here.
   */
  readonly ttlMs: number;
  /** Whether writing costs more than input. */
  readonly writesPriced: boolean;
}

/** What is known of a model beside its price. Undefined means unknown, never no. @public */
export interface ModelFacts {
  readonly vendor: string;
  /** Input and output together, in tokens. */
  readonly contextWindowTokens: number | undefined;
  /** The most that one answer may have, reasoning included, in tokens. 0 for embedding models. */
  readonly maxOutputTokens: number | undefined;
  /** Whether it takes images. */
  readonly vision: boolean | undefined;
  readonly tools: boolean | undefined;
  readonly reasoning: boolean | undefined;
  /** Whether it accepts a temperature other than its default. */
  readonly temperature: boolean | undefined;
  /** Undefined: it has none, or none that is documented well enough to count on. */
  readonly promptCache: PromptCacheRegime | undefined;
}

interface CatalogueRow {
  readonly vendor: string;
  readonly models: readonly string[];
  readonly cache?: string;
  readonly contextWindowTokens?: number;
  readonly maxOutputTokens?: number;
  readonly vision?: boolean;
  readonly tools?: boolean;
  readonly reasoning?: boolean;
  readonly temperature?: boolean;
}

interface CatalogueIndex {
  readonly byVendor: ReadonlyMap<string, ReadonlyMap<string, ModelFacts>>;
  /** The vendor of each name; where several have it the first in the file's order. */
  readonly vendors: ReadonlyMap<string, string>;
}

const ROWS: readonly CatalogueRow[] = catalogue.models;

let index: CatalogueIndex | undefined;

function regimeOf(name: string | undefined): PromptCacheRegime | undefined {
  const regime = Object.entries(catalogue.regimes).find(([known]) => known === name)?.[1];
  return regime === undefined ? undefined : { ...regime, kind: regime.kind === 'explicit' ? 'explicit' : 'implicit' };
}

function factsOf(row: CatalogueRow): ModelFacts {
  return {
    vendor: row.vendor,
    contextWindowTokens: row.contextWindowTokens,
    maxOutputTokens: row.maxOutputTokens,
    vision: row.vision,
    tools: row.tools,
    reasoning: row.reasoning,
    temperature: row.temperature,
    promptCache: regimeOf(row.cache),
  };
}

function catalogueIndex(): CatalogueIndex {
  if (index !== undefined) return index;
  const byVendor = new Map<string, Map<string, ModelFacts>>();
  const vendors = new Map<string, string>();
  for (const row of ROWS) {
    const models = byVendor.get(row.vendor) ?? new Map<string, ModelFacts>();
    byVendor.set(row.vendor, models);
    const facts = factsOf(row);
    for (const model of row.models) {
      models.set(model, facts);
      if (!vendors.has(model)) vendors.set(model, row.vendor);
    }
  }
  index = { byVendor, vendors };
  return index;
}

function byExactOrSnapshot<T>(known: ReadonlyMap<string, T>, model: string): T | undefined {
  const base = snapshotBase(model);
  return known.get(model) ?? (base === undefined ? undefined : known.get(base));
}

/** What is known of a vendor's model, by its exact name or as a dated snapshot of it; undefined when nothing is. @public */
export function modelFacts(vendor: string, model: string): ModelFacts | undefined {
  const models = catalogueIndex().byVendor.get(vendor);
  return models === undefined ? undefined : byExactOrSnapshot(models, model);
}

/** The names of a vendor's models, in the catalogue's order; none for a vendor that is not known. @public */
export function modelsOf(vendor: string): readonly string[] {
  return [...(catalogueIndex().byVendor.get(vendor)?.keys() ?? [])];
}

/** The vendor whose catalogue has a model, by its exact name or as a dated snapshot of it. @public */
export function vendorOfModel(model: string): string | undefined {
  return byExactOrSnapshot(catalogueIndex().vendors, model);
}
