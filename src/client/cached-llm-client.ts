import { FarthingError } from '../core/errors.ts';
import type { Caller } from '../core/model/caller.ts';
import type { CallRecord } from '../core/model/charge.ts';
import { shippedPriceBook } from '../core/price-book-shipped.ts';
import type { ResiliencePolicy } from '../core/resilience/resilience-policy.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { EngineCache } from '../engine/engine-options.ts';
import type { Engine } from '../engine/engine-request.ts';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import type { CacheStore } from '../ports/cache-store.ts';
import { MemoryLedger } from '../stores/memory-ledger/memory-ledger.ts';
import { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
import { clientProvider, functionClient, type LLMClient } from './client-provider.ts';
import { complete, type Completion } from './completion.ts';

/** How a {@link CachedLLMClient} is made. @public */
export interface CachedLLMClientOptions {
  /** The official client, or a function. Its own retries and credentials stay as they are. */
  readonly client: LLMClient;
  /** Who shares answers: a tenant, a user. Over one store, clients of different scopes never see each other's answers. */
  readonly scope: string;
  /** For how long an answer may be served, in milliseconds, above 0. There is no unlimited value. */
  readonly ttlMs: number;
  /**
   * Which calls are cached: `deterministic` those with temperature 0 or a seed, `declared` also those with `cache: 'on'`, `all` every one that can be.
   * @defaultValue 'deterministic'
   */
  readonly mode?: EngineCache['mode'];
  /** Where answers are kept. It stays open: whoever opened it closes it. @defaultValue 64 MB of memory */
  readonly store?: CacheStore;
  /** Whose list prices hold, for `costUsd` and `savedUsd`: `openai`, `anthropic` ... @defaultValue none: both are undefined */
  readonly vendor?: string;
  /** Called with the record of every finished call. Must not throw. @defaultValue none */
  readonly onCall?: (record: CallRecord) => void;
}

/** One message of a conversation, in the protocol of the wrapped client. @public */
export interface LLMMessage {
  readonly role: string;
  readonly content?: unknown;
}

/** One call's own settings. @public */
export interface CachedCompleteOptions {
  /** Output limit in tokens. @defaultValue the provider's; Anthropic demands one and gets 1,024 */
  readonly maxOutputTokens?: number;
  /** Absent: the provider's default, which is not 0. */
  readonly temperature?: number;
  /** Any other field of the request: `tools`, `response_format`, `system` ... `stream` is refused: a completion is whole. @defaultValue none */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Declares the call cacheable (`on`) or not (`off`). @defaultValue the mode decides */
  readonly cache?: 'on' | 'off';
  /** Leaves the call; the provider is cancelled when nobody else waits for the same answer. */
  readonly signal?: AbortSignal;
}

/** A completion with the provider's reply. @public */
export interface CachedCompletion extends Completion {
  /** The whole reply as the client gave it; on a hit with a fresh id. */
  readonly reply: unknown;
}

/** What a {@link CachedLLMClient} has done. @public */
export interface CachedLLMClientStats {
  /** Calls answered from the cache. */
  readonly hits: number;
  /** Calls that could be cached and went to the provider. */
  readonly misses: number;
  /** Calls that shared the answer of an identical one in flight. */
  readonly shared: number;
  /** Calls that may not be cached: by the mode, by `cache: 'off'`, or because their answer cannot be repeated (hosted tools ...). */
  readonly bypassed: number;
}

const PROVIDER = 'client';
const ANTHROPIC_MAX_OUTPUT_TOKENS = 1024;

/** The wrapped client tries again and gives up in its own way: nothing is added to that. */
const AS_THE_CLIENT_DOES: Partial<ResiliencePolicy> = {
  retries: 0,
  adaptParameters: false,
  cooldown: { failures: Infinity, failureRatio: Infinity, lengthMs: 0, refusedLengthMs: 0 },
};

/**
 * Puts a cache in front of a client that a program already has. What may be cached, what an answer's key is and when one is stored are the engine's rules:
 * only complete, untruncated, unrefused answers are kept, and identical calls in flight share one.
 *
 * @example
 * ```ts
 * const cached = new CachedLLMClient({ client: new OpenAI(), scope: 'tenant-7', ttlMs: 3_600_000, vendor: 'openai' });
 * const messages = [{ role: 'user', content: 'What is a farthing?' }];
 * const { content, fromCache } = await cached.complete('gpt-4.1-mini', messages, { temperature: 0 });
 * ```
 * @public
 */
export class CachedLLMClient {
  readonly #endpoint: 'chat' | 'messages';
  readonly #engine: Engine;
  readonly #caller: Caller;
  readonly #counts: { hits: number; misses: number; shared: number; bypassed: number } = {
    hits: 0,
    misses: 0,
    shared: 0,
    bypassed: 0,
  };

  /** @throws FarthingError `configuration` for an empty scope or a `ttlMs` that is not above 0. */
  constructor(options: CachedLLMClientOptions) {
    const { scope, ttlMs, mode = 'deterministic', store, vendor } = options;
    if (scope === '') throw new FarthingError('configuration', 'a CachedLLMClient needs a scope');
    if (!(Number.isFinite(ttlMs) && ttlMs > 0)) {
      throw new FarthingError('configuration', `ttlMs of a CachedLLMClient must be a number above 0: ${ttlMs}`);
    }
    const client = functionClient(options.client);
    this.#endpoint = client.protocol === 'anthropic' ? 'messages' : 'chat';
    this.#caller = { project: scope, keyId: 'local' };
    this.#engine = createEngine({
      resilience: AS_THE_CLIENT_DOES,
      providers: [{ provider: clientProvider(PROVIDER, client), vendor, identity: client.identity }],
      priceBook: shippedPriceBook(),
      cache: { store: store ?? new MemoryCacheStore({ clock: systemClock }), mode, ttlMs },
      ledger: new MemoryLedger({ maxRows: 1 }),
      ownerId: systemRandom.hex(16),
      events: {
        emit: (event) => {
          if (event.kind !== 'call-finished') return;
          this.#count(event.record);
          options.onCall?.(event.record);
        },
      },
    });
  }

  /**
   * Asks a model, or the cache.
   * @throws FarthingError `provider-failed` with the provider's status when no answer came; `client-left` when `signal` fired; `invalid-request` for
   *   a request that cannot be sent.
   */
  async complete(
    model: string,
    messages: readonly LLMMessage[],
    options: CachedCompleteOptions = {},
  ): Promise<CachedCompletion> {
    if (options.body?.['stream'] === true) {
      throw new FarthingError('invalid-request', 'complete gives whole answers: leave `stream` out', {
        param: 'stream',
      });
    }
    const { completion, reply } = await complete(
      {
        handle: (call, sink) => this.#engine.handle({ ...call, caller: this.#caller, provider: PROVIDER }, sink),
        callRecord: (callId) => this.#engine.callRecord(callId, this.#caller.project),
      },
      {
        kind: 'call',
        endpoint: this.#endpoint,
        body: this.#body(model, messages, options),
        headers: options.cache === undefined ? {} : { 'x-farthing-cache': options.cache },
        signal: options.signal,
      },
    );
    return { ...completion, reply };
  }

  /** Counts since the client was made. */
  stats(): CachedLLMClientStats {
    return { ...this.#counts };
  }

  #body(model: string, messages: readonly LLMMessage[], options: CachedCompleteOptions): unknown {
    const { maxOutputTokens, temperature, body } = options;
    const isAnthropic = this.#endpoint === 'messages';
    const limit = isAnthropic ? 'max_tokens' : 'max_completion_tokens';
    return {
      ...(isAnthropic ? { max_tokens: ANTHROPIC_MAX_OUTPUT_TOKENS } : {}),
      ...body,
      model,
      messages,
      ...(maxOutputTokens === undefined ? {} : { [limit]: maxOutputTokens }),
      ...(temperature === undefined ? {} : { temperature }),
    };
  }

  #count(record: CallRecord): void {
    const counts = this.#counts;
    if (record.cacheStatus === 'hit' || record.cacheStatus === 'stale') counts.hits += 1;
    else if (record.cacheStatus === 'collapsed') counts.shared += 1;
    else if (record.cacheStatus === 'miss') counts.misses += 1;
    else counts.bypassed += 1;
  }
}
