import type { Budget } from '../core/budget/budget.ts';
import type { CacheMode } from '../core/cacheability.ts';
import type { CallLimits } from '../core/limit/call-limits.ts';
import type { CallPriority } from '../core/model/call-priority.ts';
import type { Protocol } from '../core/model/protocol.ts';
import type { Target } from '../core/model/target.ts';
import type { NanoUsd } from '../core/money.ts';
import type { OptimizePolicy } from '../core/optimize-policy.ts';
import type { OperatorPrice } from '../core/price-operator.ts';
import type { QualityPolicy } from '../core/guard/quality-policy.ts';
import type { RouteRule } from '../core/route/route-rule.ts';
import type { RouteBalance } from '../core/route/route-table.ts';
import type { ResiliencePolicy } from '../core/resilience/resilience-policy.ts';

/** Where the gateway listens. @public */
export interface ListenAddress {
  /** A host name or an address without brackets: `127.0.0.1`, `::1`, `0.0.0.0`. */
  readonly host: string;
  /** 0 lets the system choose a free one. */
  readonly port: number;
}

/** Where data is kept: in a folder of this machine, or in Redis and Postgres for many machines. @public */
export type StorageConfig =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'services'; readonly redisUrl: string; readonly postgresUrl: string };

/** One credential at a provider. @public */
export interface ProviderKey {
  readonly secret: string;
  /** Its share of the attempts against the sum of all weights; a whole number from 1. */
  readonly weight: number;
}

/** A configured upstream. @public */
export interface ProviderConfig {
  /** The part of a target before its first slash. */
  readonly name: string;
  readonly protocol: Protocol;
  /** Without a slash at its end; an OpenAI base ends in `/v1`, an Anthropic base does not. */
  readonly baseUrl: string;
  /** Keys that are not empty. Empty where the provider needs none (a server on this machine) or is inactive. */
  readonly keys: readonly ProviderKey[];
  /** Added to each attempt; lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Added to each attempt's address (Azure's `api-version`). */
  readonly query: Readonly<Record<string, string>>;
  /** Whose prices apply. Undefined: none but the operator's own. */
  readonly vendor: string | undefined;
  /** False when `apiKey` or `apiKeys` was written and every key is empty: its targets are skipped. */
  readonly isActive: boolean;
}

/** A name that clients may ask for. @public */
export interface ModelConfig {
  readonly name: string;
  /** At least one, in the order in which they are tried unless `balance` says otherwise. */
  readonly targets: readonly Target[];
  /** How the one that is asked first is chosen. Undefined: in order. */
  readonly balance: RouteBalance | undefined;
  /** What the call would have used without Farthing. Undefined: the first target. */
  readonly baseline: Target | undefined;
}

/** What quality a route may lose, and where judged pairs are written. @public */
export interface QualityConfig extends QualityPolicy {
  /** Undefined: judged pairs are not written. */
  readonly logPath: string | undefined;
}

/** A rule that picks targets. @public */
export interface RouteConfig extends Omit<RouteRule, 'quality' | 'score' | 'policyVersion'> {
  readonly quality: QualityConfig | undefined;
  /** The file of a learnt score; `threshold` undefined: as it was certified. */
  readonly score: { readonly path: string; readonly threshold: number | undefined } | undefined;
}

/** The response cache. @public */
export interface CacheConfig {
  readonly mode: CacheMode;
  /** For how long an answer is fresh; above 0. */
  readonly ttlMs: number;
  readonly memoryBytes: number;
  /** 0 keeps nothing on disk. */
  readonly diskBytes: number;
  /** Who shares answers: all keys of a project, or each key alone. */
  readonly scope: 'project' | 'key';
  /** For how long past its time an answer may still be served when the provider fails. 0: never. */
  readonly staleIfErrorMs: number;
  /** Whether answers that the provider stores for the caller (`store: true`) may be cached. */
  readonly allowStored: boolean;
  /** Keys for what is stored below memory, each of 32 bytes in base64 or hex: the first encrypts, all decrypt. Undefined: it is stored in clear. */
  readonly encryptionKeys: readonly string[] | undefined;
}

/** Bounds of the server and of calls. @public */
export interface LimitsConfig {
  readonly maxBodyBytes: number;
  /** All headers of a request together. */
  readonly maxHeaderBytes: number;
  /** For how long the head of a request may take to arrive. */
  readonly headersTimeoutMs: number;
  /** For how long a whole request, body included, may take to arrive. Never below `headersTimeoutMs`. */
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  /** Calls under way at a time; more wait. */
  readonly maxInFlight: number;
  /** Calls that wait at a time; more get 503. 0: nobody waits. */
  readonly maxQueued: number;
  /** For how long a call waits; then it gets 503. */
  readonly queueWaitMs: number;
  /** How late the event loop may be before new calls get 503; those of a batch at half of it. */
  readonly maxLoopLagMs: number;
  /** Which share of the memory may be in use before new calls get 503; those of a batch at nine tenths of it. */
  readonly maxHeapRatio: number;
  /** For how long a stop waits for calls under way. */
  readonly drainTimeoutMs: number;
  /** Reserved, and sent as the limit, for calls under a hard budget that state none. Undefined: the model's own maximum is reserved, and nothing is sent. */
  readonly defaultMaxOutputTokens: number | undefined;
  /** For how long a call waits for money that other calls hold. */
  readonly budgetWaitMs: number;
  /** Held on top for calls that may use the provider's own tools. */
  readonly toolAllowanceNanoUsd: NanoUsd;
  /** Most accounts of one budget. */
  readonly maxTagValues: number;
  /** What becomes of calls under a hard budget whose input nothing bounds. */
  readonly unboundedCalls: 'reserve' | 'refuse';
}

/** Where alerts of budgets are sent, beside the log and the metrics. @public */
export interface AlertsConfig {
  /** Undefined: nowhere. */
  readonly webhook: { readonly url: string; readonly secret: string } | undefined;
}

/** Calls that may be answered later. @public */
export interface BatchConfig {
  /** Whether callers may name deadlines; where not, their calls are answered at once. */
  readonly allowsDeadlines: boolean;
  /** For how long calls gather into a batch, at the most. */
  readonly gatherMs: number;
  /** For how long what is answered is kept. */
  readonly retentionMs: number;
  /** Calls that are asked live at a time, since no batch answered them in time. */
  readonly maxLiveCalls: number;
  /** Addresses below which callers may name one that is told of an answer. Undefined: nobody is told. */
  readonly webhooks: { readonly urls: readonly string[]; readonly secret: string } | undefined;
}

/** Timeouts, retries, fallbacks and cooldowns. @public */
export interface ResilienceConfig extends ResiliencePolicy {
  /** Streams only. */
  readonly firstByteTimeoutMs: number;
  /** Between two bytes of a stream; pings count as life. */
  readonly idleTimeoutMs: number;
  /** For a whole call, all its attempts and the pauses between them. */
  readonly totalTimeoutMs: number;
}

/** A gateway key that stands in the configuration. @public */
export interface KeyConfig {
  readonly name: string;
  readonly project: string;
  readonly secret: string;
  /** Undefined: all models. */
  readonly models: readonly string[] | undefined;
  readonly pinnedTags: Readonly<Record<string, string>>;
  readonly requiredTags: readonly string[];
  /** Unix time in milliseconds. Undefined: does not expire. */
  readonly expiresAtMs: number | undefined;
  /** Undefined: without limit. */
  readonly limits: CallLimits | undefined;
  /** The most that its calls get when not all can go first; they may ask for less. */
  readonly priority: CallPriority;
}

/** What holds for all keys of a project together. @public */
export interface ProjectConfig {
  readonly name: string;
  /** Undefined: without limit. */
  readonly limits: CallLimits | undefined;
}

/** Paths that are sent on unmetered. @public */
export interface PassThroughConfig {
  /** Starts with `/v1/`; a `*` at its end stands for anything. */
  readonly path: string;
  /** Name of the provider that gets them. */
  readonly provider: string;
}

/** The call log. @public */
export interface CallLogConfig {
  readonly path: string;
  /** Whether requests and replies are kept in full. */
  readonly bodies: boolean;
  readonly maxFileBytes: number;
  readonly retentionMs: number;
}

/** How much the gateway's own log says. @public */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** A whole configuration, checked, with every default in place. Defaults and units are in {@link CONFIG_DEFAULTS}. @public */
export interface Config {
  readonly version: 1;
  readonly listen: ListenAddress;
  /** `none` makes every call one of project `default`; only on loopback. */
  readonly auth: 'required' | 'none';
  readonly storage: StorageConfig;
  /** In the order of the file, inactive ones included. */
  readonly providers: readonly ProviderConfig[];
  /** By target, `provider/model`. */
  readonly prices: Readonly<Record<string, OperatorPrice>>;
  readonly models: readonly ModelConfig[];
  /** The first that matches wins. */
  readonly routes: readonly RouteConfig[];
  readonly cache: CacheConfig;
  readonly budgets: readonly Budget[];
  readonly alerts: AlertsConfig;
  readonly limits: LimitsConfig;
  readonly resilience: ResilienceConfig;
  readonly optimize: OptimizePolicy;
  readonly batch: BatchConfig;
  readonly keys: readonly KeyConfig[];
  readonly projects: readonly ProjectConfig[];
  /** Undefined: no admin API. */
  readonly adminKey: string | undefined;
  /** Host names that requests may name beside the one listened on and loopback's; lower case, without port. */
  readonly allowedHosts: readonly string[];
  readonly passThrough: readonly PassThroughConfig[];
  /** Undefined: no call log. */
  readonly callLog: CallLogConfig | undefined;
  readonly logLevel: LogLevel;
}

/** Where an effective value came from. Lines and columns start at 1. @public */
export type ValueOrigin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly line: number; readonly column: number }
  | { readonly kind: 'env'; readonly name: string; readonly line: number; readonly column: number }
  | { readonly kind: 'secret-file'; readonly path: string; readonly line: number; readonly column: number };

/** One effective value as text, for `config explain`. @public */
export interface ExplainedValue {
  readonly path: string;
  /** In the words of the file (`1h`, `64MB`); secrets read `(set)` or `(empty)`. */
  readonly value: string;
  readonly origin: ValueOrigin;
}

/** Stands for the file's name where there is none. @public */
export const NO_FILE = '(no file)';

/** A configuration and where it came from. @public */
export interface LoadedConfig {
  /** The file's name as it was given; {@link NO_FILE} for the built-in configuration. */
  readonly source: string;
  readonly config: Config;
  /** By path, as in messages: `cache.ttl`, `keys[0].name`. */
  readonly origins: ReadonlyMap<string, ValueOrigin>;
  readonly values: readonly ExplainedValue[];
}
