import type { Budget } from '../core/budget/budget.ts';
import { readEncryptionKeys } from '../core/encryption-key.ts';
import type { Caller, Tags } from '../core/model/caller.ts';
import type { AttemptKind, CallRecord } from '../core/model/charge.ts';
import type { Protocol } from '../core/model/protocol.ts';
import { parseTarget } from '../core/model/target.ts';
import { layerPriceBooks, type PriceBook } from '../core/price-book.ts';
import { shippedPriceBook } from '../core/price-book-shipped.ts';
import { DEFAULT_OPTIMIZE, type OptimizePolicy } from '../core/optimize-policy.ts';
import { type OperatorPrice, operatorPrices } from '../core/price-operator.ts';
import { vendorOfModel } from '../core/model-catalogue.ts';
import type { ResiliencePolicy } from '../core/resilience/resilience-policy.ts';
import type { RouteRule } from '../core/route/route-rule.ts';
import type { RouteAlias } from '../core/route/route-table.ts';
import { bookPricer } from '../engine/book-pricer.ts';
import { type Budgets, openBudgets } from '../engine/budgets/open-budgets.ts';
import type { EngineCache, EngineProvider } from '../engine/engine-options.ts';
import type { Engine } from '../engine/engine-request.ts';
import { openOptimizer } from '../engine/optimizer/open-optimizer.ts';
import { openRoutes } from '../engine/routes/open-routes.ts';
import { guardedEngine } from '../jobs/guarded-engine.ts';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import type { PaceNotice } from '../core/limit/provider-limits.ts';
import type { BudgetPolicy } from '../middleware/budget/budget.ts';
import type { Deferral, Purse } from '../middleware/compose.ts';
import type { EngineEvent, EventSink } from '../ports/event-sink.ts';
import type { LedgerQuery, ReportDimension, ReportRow } from '../ports/ledger.ts';
import type { ReplySink } from '../ports/reply-sink.ts';
import { undiciProvider } from '../providers/undici/undici-provider.ts';
import type { WeightedKey } from '../providers/undici/weighted-key.ts';
import { type CallPrices, noteCallPrices } from './call-prices.ts';
import { engineFetch } from './engine-fetch.ts';
import type { LibraryBatches } from './library-batches.ts';
import { type LibraryBudget, readLibraryBudget } from './library-budget.ts';
import { libraryAliases, type LibraryModel } from './library-models.ts';
import { type LibraryRoute, libraryRoutes } from './library-routes.ts';
import { type LibraryStores, openLibraryStores } from './library-stores.ts';
import { BUILT_IN_PROVIDERS, type LibraryProvider } from './provider-origins.ts';

/** How the response cache of the library works. @public */
export interface LibraryCache extends Omit<EngineCache, 'store'> {
  /**
   * What the memory tier may weigh, in bytes.
   * @defaultValue 64_000_000
   */
  readonly memoryBytes?: number;
  /**
   * What the tier on disk may weigh, in bytes; only with `storage`.
   * @defaultValue 1_000_000_000
   */
  readonly diskBytes?: number;
  /**
   * Encrypts the tier on disk (AES-256-GCM): keys of 32 bytes, each in base64 or hex (`openssl rand -base64 32`). The first one encrypts, all of them decrypt: to
   * change keys put a new one first, and drop the old one after `ttlMs` and `staleIfErrorMs`. What was stored in clear before is no longer served and leaves
   * with its time. Only with `storage`.
   * @defaultValue answers on disk are in clear
   */
  readonly encryptionKeys?: readonly string[];
}

/** How {@link createFarthing} makes an engine. @public */
export interface FarthingOptions {
  /** Upstreams by name, beside `openai` and `anthropic`, which are built in and may be replaced. @defaultValue none */
  readonly providers?: Readonly<Record<string, LibraryProvider>>;
  /**
   * Keys by provider name, over those in `providers`. A provider with a key uses it for every call; one without takes the caller's own authorization.
   * @defaultValue none
   */
  readonly apiKeys?: Readonly<Record<string, string>>;
  /** Names that may be asked for beside plain model names and `provider/model`. @defaultValue none */
  readonly models?: Readonly<Record<string, LibraryModel>>;
  /**
   * Rules that pick targets, the first that matches wins; a call that none takes goes to the model that it asks for.
   * @defaultValue none
   */
  readonly routes?: readonly LibraryRoute[];
  /** Prices over the shipped book: dollars per million tokens as decimal strings, by `provider/model`. @defaultValue none */
  readonly prices?: Readonly<Record<string, OperatorPrice>>;
  /**
   * The response cache; false is off.
   * @defaultValue mode `deterministic`, one hour
   */
  readonly cache?: LibraryCache | false;
  /**
   * A folder for ledger and cache. Without one both are in memory and end with the process.
   * @defaultValue memory
   */
  readonly storage?: string;
  /** Who pays for the calls of this engine. @defaultValue 'default' */
  readonly project?: string;
  /** Tags of every call; they win over those of a single call. @defaultValue none */
  readonly tags?: Tags;
  /**
   * Budgets that calls are held to. With `storage` they are counted with all that was spent in that folder before, and by other processes that
   * use it; without, from the start of this engine. A call that does not fit gets 402 or 429.
   * @defaultValue none
   */
  readonly budgets?: readonly LibraryBudget[];
  /** How calls are held to budgets. @defaultValue {@link DEFAULT_BUDGET_POLICY} */
  readonly budgetPolicy?: Partial<BudgetPolicy>;
  /**
   * How prompts are made cheaper on their way: `{ level: 'lossless', promptCache: 'auto' }`. What is left out is as in {@link DEFAULT_OPTIMIZE}.
   * @defaultValue prompts are sent as they came
   */
  readonly optimize?: Partial<OptimizePolicy>;
  /** What is done about providers that fail: retries, fallbacks, cooldowns. @defaultValue {@link DEFAULT_RESILIENCE} */
  readonly resilience?: Partial<ResiliencePolicy>;
  /** Called with the record of every finished call: cost, saved, decisions. Must not throw. @defaultValue none */
  readonly onCall?: (record: CallRecord) => void;
  /** Called with faults and alarms: a store that failed, a model without a price. Must not throw. @defaultValue none */
  readonly onEvent?: (event: EngineEvent) => void;
}

/** A call made without a web request. @public */
export interface LibraryCall {
  /** How its charges are named in the ledger. @defaultValue 'call' */
  readonly kind?: AttemptKind;
  readonly endpoint: 'chat' | 'responses' | 'embeddings' | 'messages' | 'count-tokens';
  readonly body: Uint8Array;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** A limit on what the attempts of this call and others may spend together. @defaultValue budgets alone */
  readonly purse?: Purse | undefined;
  /**
   * Where the call goes when it may be answered later. @defaultValue it is answered now
   * @internal
   */
  readonly deferral?: Deferral | undefined;
  /** Told of the head of each provider's reply that is made for the call: what is left of its limits. Must not throw. @defaultValue nobody is told */
  readonly onPace?: ((notice: PaceNotice) => void) | undefined;
}

/** An engine inside this process. @public */
export interface Farthing {
  /** For the official clients: `new OpenAI({ fetch: farthing.fetch })`. Throws for an address that is no configured provider's. */
  readonly fetch: typeof globalThis.fetch;
  /** Makes one call; the reply, errors included, goes to the sink. Never rejects. */
  handle(call: LibraryCall, sink: ReplySink): Promise<void>;
  /** Which protocol a model is asked in. */
  protocolOf(model: string): Protocol;
  /** The record of a finished call. */
  callRecord(callId: string): Promise<CallRecord | undefined>;
  /** What calls cost and saved, grouped. */
  report(by: ReportDimension, query?: LedgerQuery): Promise<readonly ReportRow[]>;
  /** What answers calls by providers' batches. It works until the engine is closed. @internal */
  batches(): Promise<LibraryBatches>;
  /** Waits for calls under way, makes the ledger durable and closes everything. */
  close(): Promise<void>;
}

/** One hour: long enough for repeats of a working session, short enough that a wrong answer does not live for days. */
const DEFAULT_CACHE: LibraryCache = { mode: 'deterministic', ttlMs: 3_600_000 };

/**
 * Makes an engine inside this process. Nothing is opened until the first call.
 *
 * @example
 * ```ts
 * const farthing = createFarthing({ cache: { mode: 'all', ttlMs: 3_600_000 }, onCall: (call) => console.log(call.savedNanoUsd) });
 * const openai = new OpenAI({ fetch: farthing.fetch });
 * await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'Hello' }] });
 * ```
 * @throws FarthingError `configuration` for a price, a target, a route, a budget or an encryption key that cannot be read.
 * @public
 */
export function createFarthing(options: FarthingOptions = {}): Farthing {
  return new LibraryFarthing(options);
}

interface Opened {
  readonly engine: Engine;
  readonly budgets: Budgets | undefined;
  readonly stores: LibraryStores;
  readonly providers: readonly EngineProvider[];
  readonly priceBook: PriceBook;
  readonly events: EventSink;
}

class LibraryFarthing implements Farthing {
  readonly fetch: typeof globalThis.fetch;
  readonly #options: FarthingOptions;
  readonly #providers: Readonly<Record<string, LibraryProvider>>;
  readonly #caller: Caller;
  readonly #aliases: ReadonlyMap<string, RouteAlias>;
  readonly #book: PriceBook;
  readonly #budgets: readonly Budget[];
  readonly #routes: readonly RouteRule[];
  #opened: Promise<Opened> | undefined;
  #batches: Promise<LibraryBatches> | undefined;

  constructor(options: FarthingOptions) {
    this.#options = options;
    const { cache = DEFAULT_CACHE } = options;
    if (cache !== false && cache.encryptionKeys !== undefined) readEncryptionKeys(cache.encryptionKeys);
    this.#providers = { ...BUILT_IN_PROVIDERS, ...options.providers };
    this.#caller = {
      project: options.project ?? 'default',
      keyId: 'local',
      ...(options.tags === undefined ? {} : { pinnedTags: options.tags }),
    };
    this.#aliases = libraryAliases(options.models ?? {});
    this.#budgets = (options.budgets ?? []).map(readLibraryBudget);
    this.#routes = libraryRoutes(options.routes ?? [], Object.keys(this.#providers));
    this.#book = layerPriceBooks(shippedPriceBook(), undefined, operatorPrices(options.prices ?? {}));
    noteCallPrices(this, this.#callPrices());
    this.fetch = engineFetch({ engine: () => this.#engine(), caller: this.#caller, providers: this.#providers });
  }

  async handle(call: LibraryCall, sink: ReplySink): Promise<void> {
    const engine = await this.#engine();
    await engine.handle({ ...call, caller: this.#caller }, sink);
  }

  protocolOf(model: string): Protocol {
    const target = this.#aliases.get(model)?.targets[0] ?? parseTarget(model);
    const provider = target === undefined ? undefined : this.#providers[target.provider];
    if (provider !== undefined) return provider.protocol;
    return vendorOfModel(model) === 'anthropic' ? 'anthropic' : 'openai';
  }

  async callRecord(callId: string): Promise<CallRecord | undefined> {
    return (await this.#engine()).callRecord(callId, this.#caller.project);
  }

  async report(by: ReportDimension, query: LedgerQuery = {}): Promise<readonly ReportRow[]> {
    const { stores } = await this.#open();
    await stores.ledger.flush();
    return stores.ledger.report(by, query);
  }

  async close(): Promise<void> {
    if (this.#opened === undefined) return;
    const { engine, budgets, stores } = await this.#opened;
    try {
      await (await this.#batches)?.close();
      await engine.close();
      await budgets?.close();
    } finally {
      await stores.close();
    }
  }

  async batches(): Promise<LibraryBatches> {
    const opened = await this.#open();
    this.#batches ??= import('./library-batches.ts').then(({ openLibraryBatches }) => openLibraryBatches(opened));
    return this.#batches;
  }

  #callPrices(): CallPrices {
    const providers = Object.entries(this.#providers).map(([name, { protocol, vendor = name }]) => ({
      name,
      protocol,
      vendor,
    }));
    return {
      table: {
        providers: new Map(providers.map((provider) => [provider.name, provider])),
        aliases: this.#aliases,
        vendorOfModel,
      },
      pricer: bookPricer(this.#book, new Map(providers.map(({ name, vendor }) => [name, vendor]))),
    };
  }

  async #engine(): Promise<Engine> {
    return (await this.#open()).engine;
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#make().catch((error: unknown) => {
      this.#opened = undefined; // the folder may be there at the next call
      throw error;
    });
    return this.#opened;
  }

  async #make(): Promise<Opened> {
    const { cache = DEFAULT_CACHE, optimize, onCall, onEvent, storage } = this.#options;
    const optimizer = optimize && (await openOptimizer({ ...DEFAULT_OPTIMIZE, ...optimize }));
    const stores = await openLibraryStores({
      storage,
      memoryBytes: cache === false ? undefined : cache.memoryBytes,
      diskBytes: cache === false ? undefined : cache.diskBytes,
      encryptionKeys: cache === false ? undefined : cache.encryptionKeys,
      emit: (event) => onEvent?.(event),
    });
    const events: EventSink = {
      emit: (event) => {
        if (event.kind === 'call-finished') onCall?.(event.record);
        else onEvent?.(event);
      },
    };
    const budgets = await this.#openBudgets(stores, events);
    const routes = await openRoutes({ rules: this.#routes, store: stores.stateStore, clock: systemClock, events });
    const providers = Object.entries(this.#providers).map(([name, provider]) => ({
      provider: undiciProvider({
        name,
        protocol: provider.protocol,
        baseUrl: provider.baseUrl,
        apiKeys: keysOf(this.#options.apiKeys?.[name] ?? provider.apiKey),
        random: systemRandom,
      }),
      vendor: provider.vendor ?? name,
      identity: provider.baseUrl,
    }));
    const priceBook = this.#book;
    const engine = guardedEngine({
      providers,
      aliases: this.#aliases,
      priceBook,
      cache: cache === false ? undefined : { ...cache, store: stores.cache },
      ledger: stores.ledger,
      reader: stores.ledger,
      ownerId: stores.ledger.ownerId,
      states: stores.stateStore,
      optimizer,
      routes,
      budgets,
      ...(this.#options.budgetPolicy === undefined ? {} : { budgetPolicy: this.#options.budgetPolicy }),
      ...(this.#options.resilience === undefined ? {} : { resilience: this.#options.resilience }),
      clock: systemClock,
      random: systemRandom,
      events,
    });
    return { engine, budgets, stores, providers, priceBook, events };
  }

  /** In a folder also without budgets of its own: others may count what is spent here. */
  async #openBudgets(stores: LibraryStores, events: EventSink): Promise<Budgets | undefined> {
    if (this.#budgets.length === 0 && this.#options.storage === undefined) return undefined;
    return openBudgets({
      store: stores.budgets,
      ledger: stores.ledger,
      book: stores.book,
      budgets: this.#budgets,
      clock: systemClock,
      random: systemRandom,
      events,
    });
  }
}

function keysOf(key: string | undefined): readonly WeightedKey[] {
  return key === undefined ? [] : [{ key }];
}
