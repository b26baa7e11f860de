import { FarthingError } from '../core/errors.ts';
import type { Tags } from '../core/model/caller.ts';
import type { CallRecord } from '../core/model/charge.ts';
import type { Decision } from '../core/model/decision.ts';
import { inputTokensOf, outputTokensOf } from '../core/model/usage.ts';
import { formatUsd } from '../core/money.ts';
import { answerTexts } from '../wire/answer-texts.ts';
import { CollectingSink } from './collecting-sink.ts';
import type { Farthing } from './create-farthing.ts';

/** How a {@link CostOptimizedLLM} is made. @public */
export interface CostOptimizedLLMOptions {
  /** The engine that makes the calls. It stays open: whoever made it closes it. */
  readonly farthing: Farthing;
  /** The model of calls that name none: an alias, a plain name or `provider/model`. */
  readonly defaultModel: string;
  /**
   * The caller's limit on output, in tokens; Anthropic demands one.
   * @defaultValue 1_024
   */
  readonly maxOutputTokens?: number;
  /** Called with the record of every finished call. @defaultValue none */
  readonly onCall?: (record: CallRecord) => void;
}

/** One completion's own settings. @public */
export interface CompleteOptions {
  /** @defaultValue the `defaultModel` */
  readonly model?: string;
  /** A system prompt. @defaultValue none */
  readonly system?: string;
  /** Output limit in tokens. @defaultValue the instance's `maxOutputTokens` */
  readonly maxOutputTokens?: number;
  /** 0 makes the call cacheable in mode `deterministic`. Absent: the provider's default, which is not 0. */
  readonly temperature?: number;
  /** Declares the call cacheable (`on`) or not (`off`) in mode `declared`. @defaultValue the mode decides */
  readonly cache?: 'on' | 'off';
  /** Who pays: user, feature, session ... @defaultValue none */
  readonly tags?: Tags;
  readonly signal?: AbortSignal;
}

/** A completion and what it cost. @public */
export interface Completion {
  readonly content: string;
  /** `provider/model` that answered. */
  readonly model: string;
  readonly fromCache: boolean;
  /** Decimal dollars without loss; undefined for a model without a price. */
  readonly costUsd: string | undefined;
  /** What was saved against asking the provider directly; negative when money was lost. */
  readonly savedUsd: string | undefined;
  readonly tokens: { readonly input: number; readonly output: number };
  readonly decisions: readonly Decision[];
  readonly callId: string;
}

const DEFAULT_MAX_OUTPUT_TOKENS = 1024;

/**
 * Everything behind one method: cached, shared, priced and recorded.
 *
 * @example
 * ```ts
 * const farthing = createFarthing({ apiKeys: { openai: key }, cache: { mode: 'all', ttlMs: 3_600_000 } });
 * const llm = new CostOptimizedLLM({ farthing, defaultModel: 'gpt-5.4-mini' });
 * const { content, costUsd, savedUsd, fromCache } = await llm.complete('What is a farthing?');
 * ```
 * @public
 */
export class CostOptimizedLLM {
  readonly #options: CostOptimizedLLMOptions;

  constructor(options: CostOptimizedLLMOptions) {
    if (options.defaultModel === '') throw new FarthingError('configuration', 'defaultModel is empty');
    this.#options = options;
  }

  /**
   * Asks a model.
   * @throws FarthingError `provider-failed` with the provider's status when no answer came; `client-left` when `signal` fired.
   */
  async complete(prompt: string, options: CompleteOptions = {}): Promise<Completion> {
    const model = options.model ?? this.#options.defaultModel;
    const endpoint = this.#options.farthing.protocolOf(model) === 'anthropic' ? 'messages' : 'chat';
    const sink = new CollectingSink();
    await this.#options.farthing.handle(
      {
        endpoint,
        body: new TextEncoder().encode(JSON.stringify(this.#body(endpoint, model, prompt, options))),
        headers: this.#headers(options),
        signal: options.signal ?? new AbortController().signal,
      },
      sink,
    );
    return await this.#completion(endpoint, sink);
  }

  #body(endpoint: 'chat' | 'messages', model: string, prompt: string, options: CompleteOptions): unknown {
    const limit = options.maxOutputTokens ?? this.#options.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS;
    const user = { role: 'user', content: prompt };
    const sampling = options.temperature === undefined ? {} : { temperature: options.temperature };
    if (endpoint === 'messages') {
      const system = options.system === undefined ? {} : { system: options.system };
      return { model, max_tokens: limit, ...system, messages: [user], ...sampling };
    }
    const system = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
    return { model, max_completion_tokens: limit, messages: [...system, user], ...sampling };
  }

  #headers(options: CompleteOptions): Record<string, string> {
    const headers: Record<string, string> = {};
    if (options.cache !== undefined) headers['x-farthing-cache'] = options.cache;
    const tags = Object.entries(options.tags ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    if (tags.length > 0) headers['x-farthing-tags'] = tags.join(',');
    return headers;
  }

  async #completion(endpoint: 'chat' | 'messages', sink: CollectingSink): Promise<Completion> {
    const callId = sink.headers['x-farthing-request-id'] ?? '';
    const record = await this.#options.farthing.callRecord(callId);
    if (record !== undefined) this.#options.onCall?.(record);
    if (record === undefined || sink.status >= 300 || record.outcome !== 'complete') {
      const code = record?.outcome === 'client-left' ? 'client-left' : 'provider-failed';
      throw new FarthingError(code, `the call ${callId} got no answer (status ${sink.status})`, {
        status: sink.status,
      });
    }
    return {
      content: answerTexts(endpoint, JSON.parse(sink.text()))[0] ?? '',
      model: record.target ?? record.modelAsked,
      fromCache: record.cacheStatus === 'hit' || record.cacheStatus === 'stale',
      costUsd: record.costNanoUsd === undefined ? undefined : formatUsd(record.costNanoUsd),
      savedUsd: record.savedNanoUsd === undefined ? undefined : formatUsd(record.savedNanoUsd),
      tokens: { input: inputTokensOf(record.usage), output: outputTokensOf(record.usage) },
      decisions: record.decisions,
      callId,
    };
  }
}
