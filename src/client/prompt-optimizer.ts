import { type OptimizedSystemPrompt, optimizeSystemPrompt } from '../core/compress/system/optimize-system-prompt.ts';
import type { LostFacts } from '../core/conversation/lost-facts.ts';
import type { SummaryWorth } from '../core/conversation/summary-worth.ts';
import { FarthingError } from '../core/errors.ts';
import { layerPriceBooks, type PriceBook } from '../core/price-book.ts';
import { shippedPriceBook } from '../core/price-book-shipped.ts';
import { type OperatorPrice, operatorPrices } from '../core/price-operator.ts';
import { systemClock } from '../engine/system-ports.ts';
import type { Farthing } from './create-farthing.ts';
import { compressSubject, type SkippedText } from './optimizer/compress-subject.ts';
import { type NoSummaryReason, summarizeSubject } from './optimizer/context-summary.ts';
import { type ModelCounter, modelCounter, sizeOf, targetOfModel } from './optimizer/model-counter.ts';
import {
  type CompressOptions,
  type CountOptions,
  demandModel,
  demandTokens,
  readCompressOptions,
  type SummarizeOptions,
  type TruncateOptions,
} from './optimizer/prompt-options.ts';
import { type PromptSubject, promptSubject } from './optimizer/prompt-subject.ts';
import { promptSteps, type PromptStep, type ShortenedPrompt, shortenedPrompt } from './optimizer/shortened-subject.ts';
import { truncateSubject } from './optimizer/truncate-subject.ts';
import { ResponseCache } from './response-cache.ts';

/** How a {@link PromptOptimizer} is made. @public */
export interface PromptOptimizerOptions {
  /** The model that prompts are for: a plain name or `provider/model`. A request that names its own is counted for that one. */
  readonly model: string;
  /** The engine that summaries are asked through: its budgets, ledger and cache hold. It stays open. @defaultValue none: `summarizeContext` refuses */
  readonly farthing?: Farthing;
  /** Prices over the shipped book, as given to `createFarthing`: what decides whether a summary pays. @defaultValue none */
  readonly prices?: Readonly<Record<string, OperatorPrice>>;
  /**
   * Where summaries are kept. Its scope says who shares them.
   * @defaultValue 16 MB of memory for a day, of this optimizer alone
   */
  readonly summaries?: ResponseCache<string>;
}

/**
 * What can be counted or shortened: a text; messages of Chat Completions or Messages, or items of Responses; the body of such a request.
 * @public
 */
export type PromptInput = string | object;

/** What comes back for an input: of its own shape. @public */
export type PromptLike<Input extends PromptInput> = Input extends string ? string : Input;

/** How many tokens a prompt has. @public */
export interface TokenCount {
  readonly tokens: number;
  /** Whether that is to the token: text, in a vocabulary that its maker has published. */
  readonly isExact: boolean;
  /** Whether it holds what cannot be counted: files, sound, tools of the provider's own. */
  readonly isPartial: boolean;
  /** How far off nine of ten recorded calls of the model's family were at the most, as a ratio; absent where exact. */
  readonly expectedErrorRatio?: number;
}

/** A prompt after compression. @public */
export interface CompressedPrompt<Input> extends ShortenedPrompt<Input> {
  /** Texts that stayed longer than asked for, and why. */
  readonly skipped: readonly SkippedText[];
}

/** A prompt that was cut. @public */
export interface TruncatedPrompt<Input> extends ShortenedPrompt<Input> {
  /** False: what must stay (system, first and last turn, tools) is longer than the limit; it was brought as near as it can be. */
  readonly fits: boolean;
}

/** A system prompt that was tightened. @public */
export interface TightenedSystemPrompt extends Pick<OptimizedSystemPrompt, 'diff' | 'contradictions'> {
  readonly text: string;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
  readonly isExact: boolean;
  /** What was done and what went, in order. */
  readonly steps: readonly PromptStep[];
}

/** A context that was to be summed up. @public */
export interface SummarizedContext<Input> extends ShortenedPrompt<Input> {
  /** `summary`: as asked; `extracted`: the model failed, sentences of the context stand for it; `kept`: nothing was changed. */
  readonly kind: 'summary' | 'extracted' | 'kept';
  /** Why it is no summary. */
  readonly reason: NoSummaryReason | undefined;
  /** What it was expected to save and cost; undefined where it was not needed (it was in the cache) or could not be made. */
  readonly estimate: SummaryWorth | undefined;
  /** Whether the summary was made before. */
  readonly fromCache: boolean;
  /** What the call cost, in dollars; undefined where none was answered. */
  readonly costUsd: string | undefined;
  readonly callId: string | undefined;
  /** Numbers and names of what was left out that the new text does not have. */
  readonly lost: LostFacts;
}

const SUMMARY_TTL_MS = 86_400_000;
const SUMMARY_BYTES = 16_000_000;
const DEFAULT_SUMMARY_TOKENS = 500;
const DEFAULT_KEEP_LAST_TURNS = 2;

/**
 * Counts prompts and makes them shorter, without an engine; with one it also has contexts summed up. The vocabulary of a model is read with the first call
 * that counts for it.
 *
 * @example
 * ```ts
 * const optimizer = new PromptOptimizer({ model: 'gpt-5.4-mini' });
 * const { prompt, tokensBefore, tokensAfter, diff } = await optimizer.compressPrompt(messages, { level: 'structural' });
 * ```
 * @public
 */
export class PromptOptimizer {
  readonly #options: PromptOptimizerOptions;
  readonly #book: PriceBook;
  readonly #summaries: ResponseCache<string>;

  /** @throws FarthingError `configuration` for a model without a name, or a price that cannot be read. */
  constructor(options: PromptOptimizerOptions) {
    demandModel('model of a PromptOptimizer', options.model);
    this.#options = options;
    this.#book = layerPriceBooks(shippedPriceBook(), undefined, operatorPrices(options.prices ?? {}));
    this.#summaries =
      options.summaries ?? new ResponseCache({ scope: 'summaries', ttlMs: SUMMARY_TTL_MS, maxBytes: SUMMARY_BYTES });
  }

  /**
   * Counts the input tokens of a text as it stands, or of messages or a request as they are billed. Without a public vocabulary (Claude, Gemini ...)
   * it is an estimate, and says so.
   *
   * @throws FarthingError `invalid-request` for a value that is no prompt; `configuration` for a model without a name.
   * @example
   * ```ts
   * const { tokens, isExact } = await optimizer.countTokens([{ role: 'user', content: 'What is a farthing?' }]);
   * const claude = await optimizer.countTokens('What is a farthing?', { model: 'claude-sonnet-5' });
   * ```
   */
  async countTokens(input: PromptInput, options: CountOptions = {}): Promise<TokenCount> {
    const { subject, counter } = await this.#read(input, options.model);
    const { tokens, isExact, isPartial } = await sizeOf(subject, counter, options.signal);
    const count = { tokens, isExact, isPartial };
    return isExact ? count : { ...count, expectedErrorRatio: counter.profile.expectedErrorRatio };
  }

  /**
   * Cuts a text, or a conversation, to so many tokens at the most. A text is cut where nothing breaks (never in JSON, a fence is closed); of a conversation
   * the system prompt, the first and the last turn stay, and no tool call parts from its result.
   *
   * @throws FarthingError as `countTokens`; `configuration` for a limit that is not above 0.
   * @example
   * ```ts
   * const { prompt, fits } = await optimizer.truncateToTokens(messages, 8_000);
   * const { prompt: page } = await optimizer.truncateToTokens(text, 500, { keep: 'relevant', query: 'When does it open?' });
   * ```
   */
  async truncateToTokens<Input extends PromptInput>(
    input: Input,
    maxTokens: number,
    options: TruncateOptions = {},
  ): Promise<TruncatedPrompt<PromptLike<Input>>> {
    const limit = demandTokens('maxTokens', maxTokens);
    const { subject, counter } = await this.#read(input, options.model);
    const { keep, query } = options;
    const how = { ...(keep === undefined ? {} : { keep }), question: query };
    const truncated = await truncateSubject(subject, limit, how, counter);
    return { ...shortenedPrompt<PromptLike<Input>>(truncated), fits: truncated.fits };
  }

  /**
   * Makes a prompt shorter as far as a level allows. In messages the words of the system and of users and the results of tools are compressed; what the model
   * said itself stays. Level `extractive` needs a question: where none is given and none can be told, nothing is left out, and `skipped` says so.
   *
   * @throws FarthingError as `countTokens`; `configuration` for an unknown level, or for options that the level does not heed.
   * @example
   * ```ts
   * const { prompt, steps } = await optimizer.compressPrompt(text, { level: 'extractive', query: 'Who minted it?', keepRatio: 0.3 });
   * ```
   */
  async compressPrompt<Input extends PromptInput>(
    input: Input,
    options: CompressOptions = {},
  ): Promise<CompressedPrompt<PromptLike<Input>>> {
    const how = readCompressOptions(options);
    const { subject, counter } = await this.#read(input, options.model);
    const compressed = await compressSubject(subject, how, counter);
    return { ...shortenedPrompt<PromptLike<Input>>(compressed), skipped: compressed.skipped };
  }

  /**
   * Tightens a system prompt: what is lossless, instructions that are said twice, set phrases. Sentences that contradict each other are reported and left as
   * they are. For people who look the result over, not for each call.
   *
   * @example
   * ```ts
   * const { text, contradictions } = await optimizer.optimizeSystemPrompt(systemPrompt);
   * for (const { first, second } of contradictions) console.log(`"${first.text}" against "${second.text}"`);
   * ```
   */
  async optimizeSystemPrompt(text: string, options: Pick<CountOptions, 'model'> = {}): Promise<TightenedSystemPrompt> {
    if (typeof text !== 'string') throw new FarthingError('invalid-request', 'a system prompt is a text');
    const { counter } = await this.#read(text, options.model);
    const { steps, ...rest } = optimizeSystemPrompt(text, counter.count);
    const change = { at: '', before: text, after: rest.text, steps };
    return { ...rest, isExact: counter.profile.isExact, steps: promptSteps(change) };
  }

  /**
   * Has a cheap model sum up a text, or the older turns of a conversation, if that saves more than it costs: tokens saved, times their price, times the
   * expected reuses. Made once for the same content. Where the model fails, the sentences of the context that matter most stand in; where it does not pay,
   * nothing is changed. The call is charged like any other; in the ledger it is of the kind `summary` and has the tag `side-call=summary`.
   *
   * @throws FarthingError as `countTokens`; `configuration` without `farthing`, or for options that are none; `client-left` when `signal` fired.
   * @example
   * ```ts
   * const { prompt, kind, lost } = await optimizer.summarizeContext(messages, { model: 'gpt-5.4-nano', expectedReuses: 10 });
   * ```
   */
  async summarizeContext<Input extends PromptInput>(
    input: Input,
    options: SummarizeOptions,
  ): Promise<SummarizedContext<PromptLike<Input>>> {
    const { farthing } = this.#options;
    if (farthing === undefined) {
      throw new FarthingError('configuration', 'summarizeContext asks a model: give the PromptOptimizer a farthing');
    }
    const summariser = demandModel('model of summarizeContext', options.model);
    const { expectedReuses, keepLastTurns = DEFAULT_KEEP_LAST_TURNS } = options;
    demandCount('expectedReuses', expectedReuses);
    demandCount('keepLastTurns', keepLastTurns);
    const maxTokens = demandTokens('maxTokens', options.maxTokens ?? DEFAULT_SUMMARY_TOKENS);
    const subject = this.#subject(input);
    const { call, kind, reason, estimate, fromCache, lost, ...shortened } = await summarizeSubject({
      subject,
      model: this.#modelOf(subject, undefined),
      summariser,
      expectedReuses,
      maxTokens,
      keepLastTurns,
      isCached: options.isCached ?? false,
      tags: options.tags ?? {},
      signal: options.signal,
      farthing,
      book: this.#book,
      cache: this.#summaries,
      nowMs: systemClock.nowMs(),
    });
    const shorter = shortenedPrompt<PromptLike<Input>>(shortened);
    return { ...shorter, kind, reason, estimate, fromCache, lost, costUsd: call?.costUsd, callId: call?.callId };
  }

  async #read(input: unknown, model: string | undefined): Promise<{ subject: PromptSubject; counter: ModelCounter }> {
    if (model !== undefined) demandModel('model', model);
    const subject = this.#subject(input, model);
    return { subject, counter: await modelCounter(this.#modelOf(subject, model), subject) };
  }

  #subject(input: unknown, model: string = this.#options.model): PromptSubject {
    const protocol = this.#options.farthing?.protocolOf(model);
    const isAnthropic =
      protocol === undefined ? targetOfModel(model).provider === 'anthropic' : protocol === 'anthropic';
    return promptSubject(input, isAnthropic);
  }

  #modelOf(subject: PromptSubject, model: string | undefined): string {
    return model ?? (subject.kind === 'text' ? undefined : subject.own.model) ?? this.#options.model;
  }
}

function demandCount(name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw new FarthingError('configuration', `${name} must be a number that is not below 0: ${value}`);
}
