import type { CacheMode } from '../core/cacheability.ts';
import type { CallLimits } from '../core/limit/call-limits.ts';
import type { CallRecord } from '../core/model/charge.ts';
import type { PriceBook } from '../core/price-book.ts';
import type { ResiliencePolicy } from '../core/resilience/resilience-policy.ts';
import type { RouteAlias } from '../core/route/route-table.ts';
import { nanoUsd } from '../core/money.ts';
import type { BudgetPolicy } from '../middleware/budget/budget.ts';
import type { DispatchTimeouts } from '../middleware/dispatch/dispatch.ts';
import type { CacheStore } from '../ports/cache-store.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { LeaseStore } from '../ports/lease-store.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { LimitStore } from '../ports/limit-store.ts';
import type { Ledger, LedgerReader } from '../ports/ledger.ts';
import type { Provider } from '../ports/provider.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { RequestLimits } from '../wire/json-limits.ts';
import type { Budgets } from './budgets/open-budgets.ts';
import type { RoutedCall } from './guard/routed-call.ts';
import type { Optimizer } from './optimizer/open-optimizer.ts';
import type { Routes } from './routes/open-routes.ts';

/** A provider and whose models and prices it has. @public */
export interface EngineProvider {
  readonly provider: Provider;
  /** `openai`, `anthropic` ...; undefined: only the operator's own prices hold. */
  readonly vendor: string | undefined;
  /** What its name stands for (its address, and what is always sent to it): answers of one are never served for another. */
  readonly identity: string;
}

/** The response cache of an engine. @public */
export interface EngineCache {
  readonly store: CacheStore;
  readonly mode: CacheMode;
  /** For how long an answer is fresh, in milliseconds. There is no unlimited value. */
  readonly ttlMs: number;
  /**
   * For how long past its time an answer may be served when the provider fails, in milliseconds; 0 is never.
   * @defaultValue 0
   */
  readonly staleIfErrorMs?: number;
  /** Who shares answers. @defaultValue 'project' */
  readonly scope?: 'project' | 'key';
  /** Whether answers that the provider stores for the caller (`store: true`) may be cached. @defaultValue false */
  readonly allowStored?: boolean;
  /** Largest answer that is stored or shared, in bytes. @defaultValue {@link DEFAULT_MAX_ENTRY_BYTES} */
  readonly maxEntryBytes?: number;
  /**
   * Lets processes that share `store` share attempts, too: one asks, the others wait for its answer in the store. Each call that is not in the
   * cache then costs a lease and a second look; of no use where the store is this process's own memory.
   * @defaultValue identical calls in flight are shared within this process
   */
  readonly leases?: LeaseStore | undefined;
}

/** Largest answer that is stored: a 128,000-token answer as a stream of one event a token stays below it. @public */
export const DEFAULT_MAX_ENTRY_BYTES: number = 32 * 1024 * 1024;

/** Largest whole reply: 2,048 embeddings of 3,072 floats in JSON are about 90 MB. @public */
export const DEFAULT_MAX_REPLY_BYTES: number = 128 * 1024 * 1024;

/** Times after which a provider is given up. @public */
export const DEFAULT_TIMEOUTS: DispatchTimeouts = { firstByteMs: 120_000, idleMs: 120_000, totalMs: 600_000 };

/** How calls are held to budgets unless the engine's options say otherwise; as `limits` of the configuration. @public */
export const DEFAULT_BUDGET_POLICY: BudgetPolicy = {
  waitMs: 2000,
  defaultMaxOutputTokens: undefined,
  toolAllowanceNanoUsd: nanoUsd(50_000_000),
  unboundedCalls: 'reserve',
};

/** Limits of keys and projects. Those of keys come with the caller. @public */
export interface EngineLimits {
  /** Where processes that share the limits count. @defaultValue the memory of this process */
  readonly store?: LimitStore | undefined;
  /** Limits by project. @defaultValue none */
  readonly projects?: ReadonlyMap<string, CallLimits>;
}

/** What an engine is made from. It opens and closes none of these but its providers. @public */
export interface EngineOptions {
  readonly providers: readonly EngineProvider[];
  /** Names that may be asked for beside `provider/model` and plain model names. @defaultValue none */
  readonly aliases?: ReadonlyMap<string, RouteAlias>;
  readonly priceBook: PriceBook;
  /** Undefined: no response cache. */
  readonly cache?: EngineCache | undefined;
  /**
   * How much of calls that are over stays in memory beside the response cache: `lean` is for a list of questions that are all different, where nothing of it
   * is ever used. Repeats of what lies further back are then not told as such, and none is answered without being parsed.
   * @defaultValue 'ample'
   */
  readonly memory?: 'ample' | 'lean';
  readonly ledger: Ledger;
  /**
   * Finds records of calls that this process has forgotten, and what is held for calls that were deferred.
   * @defaultValue only recent calls are found, and a deferred call that is asked live a second time needs money of its own
   */
  readonly reader?: Pick<LedgerReader, 'calls' | 'charges' | 'openIntents'>;
  /** @defaultValue none */
  readonly events?: EventSink;
  /** Keeps finished calls with their bodies. @defaultValue none */
  readonly onBodies?: (record: CallRecord, request: Uint8Array, reply: Uint8Array) => void;
  /** Names this process in the ledger. */
  readonly ownerId: string;
  /** @defaultValue {@link DEFAULT_TIMEOUTS} */
  readonly timeouts?: DispatchTimeouts;
  /** Where what was learnt from traffic is kept. It belongs to whoever opened it. @defaultValue it ends with the engine */
  readonly states?: StateStore | undefined;
  /** How prompts are made cheaper. @defaultValue they are sent as they came */
  readonly optimizer?: Optimizer | undefined;
  /** Rules that pick targets, already opened. @defaultValue calls go to the model that they ask for */
  readonly routes?: Routes | undefined;
  /** Told of each finished call of a route that has quality to keep. Must not throw and must not block. @defaultValue nobody is told, and nothing is certified */
  readonly onRouted?: (call: RoutedCall) => void;
  /** What is done about providers that fail. @defaultValue {@link DEFAULT_RESILIENCE} */
  readonly resilience?: Partial<ResiliencePolicy>;
  /** In bytes. @defaultValue {@link DEFAULT_MAX_REPLY_BYTES} */
  readonly maxReplyBytes?: number;
  /** @defaultValue the limits of `json-limits` */
  readonly requestLimits?: RequestLimits;
  /** How much keys and projects may ask for at a time and a minute. @defaultValue limits that come with callers, in this process */
  readonly limits?: EngineLimits | undefined;
  /** Budgets that calls are held to, already opened. @defaultValue none */
  readonly budgets?: Budgets | undefined;
  /** How calls are held to budgets. @defaultValue {@link DEFAULT_BUDGET_POLICY} */
  readonly budgetPolicy?: Partial<BudgetPolicy>;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock;
  /** @defaultValue cryptographic randomness */
  readonly random?: Random;
}
