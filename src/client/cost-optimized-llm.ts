import { type ErrorCode, FarthingError, isFarthingError } from '../core/errors.ts';
import type { Tags } from '../core/model/caller.ts';
import type { AttemptKind, CallRecord } from '../core/model/charge.ts';
import { callHeaders } from './call-headers.ts';
import { complete, type Completion } from './completion.ts';
import type { Farthing } from './create-farthing.ts';

/** How a {@link CostOptimizedLLM} is made. @public */
export interface CostOptimizedLLMOptions {
  /** The engine that makes the calls. It stays open: whoever made it closes it. */
  readonly farthing: Farthing;
  /** The model of calls that name none: an alias, a plain name or `provider/model`. */
  readonly defaultModel: string;
  /**
   * Asked when a call has failed for no fault of its own: the provider is down, overloaded, out of quota or does not have the model. A call of its own, to
   * any provider and protocol; refusals (a budget, a request that is wrong) are never tried elsewhere.
   * @defaultValue none
   */
  readonly fallbackModel?: string;
  /** Whether the routes of `farthing` may pick another target than the model asked for. @defaultValue true */
  readonly enableModelRouting?: boolean;
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
  /** This model and no other: no route, no `fallbackModel`. */
  readonly forceModel?: string;
  /** The route that picks the target, by name. @defaultValue the first that matches */
  readonly route?: string;
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
  /** How its charges are named in the ledger: a side call of your own is no `call`. @defaultValue 'call' */
  readonly kind?: AttemptKind;
  readonly signal?: AbortSignal;
}

const DEFAULT_MAX_OUTPUT_TOKENS = 1024;

/** What another model may do better. */
const FALLBACK_CODES: ReadonlySet<ErrorCode> = new Set([
  'provider-unreachable',
  'provider-timeout',
  'provider-broken',
  'provider-failed',
  'targets-resting',
  'model-not-found',
]);

/** The request itself is at fault: it is wrong wherever it goes. */
const WRONG_REQUEST: ReadonlySet<number> = new Set([400, 413, 422]);

function mayFallBack({ code, status }: FarthingError): boolean {
  return FALLBACK_CODES.has(code) && !WRONG_REQUEST.has(status);
}

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
   * @throws FarthingError `provider-failed` with the provider's status when no answer came; `client-left` when `signal` fired; the code of
   *   the refusal (`model-not-found`, `invalid-request` ...) when the call was not made.
   */
  async complete(prompt: string, options: CompleteOptions = {}): Promise<Completion> {
    const { forceModel } = options;
    if (forceModel !== undefined) return this.#ask(forceModel, prompt, options, false);
    const { defaultModel, fallbackModel, enableModelRouting = true } = this.#options;
    try {
      return await this.#ask(options.model ?? defaultModel, prompt, options, enableModelRouting);
    } catch (error) {
      if (fallbackModel === undefined || !isFarthingError(error) || !mayFallBack(error)) throw error;
      const completion = await this.#ask(fallbackModel, prompt, options, false);
      const fallback = { step: 'fallback', verdict: 'used', reason: error.code };
      return { ...completion, decisions: [fallback, ...completion.decisions] };
    }
  }

  async #ask(model: string, prompt: string, options: CompleteOptions, isRouted: boolean): Promise<Completion> {
    const endpoint = this.#options.farthing.protocolOf(model) === 'anthropic' ? 'messages' : 'chat';
    const { completion } = await complete(
      this.#options.farthing,
      {
        kind: options.kind ?? 'call',
        endpoint,
        body: this.#body(endpoint, model, prompt, options),
        headers: callHeaders({ route: isRouted ? options.route : 'off', cache: options.cache, tags: options.tags }),
        signal: options.signal,
      },
      (record) => this.#options.onCall?.(record),
    );
    return completion;
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
}
