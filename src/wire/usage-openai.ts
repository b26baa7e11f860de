import { usageOf, type ServedTerms, type Usage } from '../core/model/usage.ts';
import { countOf, type Fields, fieldsOf, isCount, Remainder, wordOf } from './usage-count.ts';
import type { StatedUsage } from './usage-flavour.ts';

/** What a dialect of the chat usage states beside totals, cache reads and reasoning. @internal */
export interface ChatDialect {
  /** Whether `cache_write_tokens` means tokens billed as writes (OpenAI from GPT-5.6, OpenRouter). */
  readonly statesWrites: boolean;
  /** Whether audio, image and video tokens are billed apart. */
  readonly statesModalities: boolean;
}

/** Decimals kept of a stated cost that JavaScript writes with an exponent; a nano-dollar has nine. */
const STATED_DECIMALS = 15;

interface PromptParts {
  readonly total: number;
  readonly details: Fields;
}

/** Splits a prompt whose total includes what was cached, written and not text. */
function promptBuckets(prompt: PromptParts, dialect: ChatDialect): Partial<Usage> {
  const { details } = prompt;
  const left = new Remainder(prompt.total);
  const cached = new Remainder(left.take(countOf(details['cached_tokens'])));
  const cacheWrite30m = dialect.statesWrites ? left.take(countOf(details['cache_write_tokens'])) : 0;
  if (!dialect.statesModalities) return { cacheRead: cached.rest(), cacheWrite30m, input: left.rest() };
  const cachedDetails = fieldsOf(details['cached_tokens_details']);
  const cacheReadAudio = cached.take(countOf(cachedDetails['audio_tokens']));
  const cacheReadImage = cached.take(countOf(cachedDetails['image_tokens']));
  const inputAudio = left.take(countOf(details['audio_tokens']) - cacheReadAudio);
  const inputImage = left.take(countOf(details['image_tokens']) - cacheReadImage);
  const inputVideo = left.take(countOf(details['video_tokens']));
  return {
    cacheRead: cached.rest(),
    cacheReadAudio,
    cacheReadImage,
    cacheWrite30m,
    inputAudio,
    inputImage,
    inputVideo,
    input: left.rest(),
  };
}

/** Splits an answer whose total includes reasoning, audio and images. */
function answerBuckets(total: number, details: Fields, dialect: ChatDialect): Partial<Usage> {
  const left = new Remainder(total);
  const outputAudio = dialect.statesModalities ? left.take(countOf(details['audio_tokens'])) : 0;
  const outputImage = dialect.statesModalities ? left.take(countOf(details['image_tokens'])) : 0;
  const output = left.rest();
  return { output, outputAudio, outputImage, reasoning: Math.min(countOf(details['reasoning_tokens']), output) };
}

/**
 * A number of dollars as decimal text; undefined unless it is a number from 0 up. OpenRouter bills a caller who
 * brings an own provider key (`is_byok`) only its fee, and the provider bills the rest: then its figure is not the cost.
 */
function statedCost(usage: Fields): string | undefined {
  const cost = usage['cost'];
  if (!isCount(cost) || cost < 0 || usage['is_byok'] === true) return undefined;
  const text = String(cost);
  return text.includes('e') ? cost.toFixed(STATED_DECIMALS) : text;
}

/** The terms that OpenAI-shaped replies state: the tier at the top of the reply or of the event's `response`. */
function openaiTerms(usage: Fields, reply: Fields): ServedTerms {
  const serviceTier = wordOf(reply['service_tier']) ?? wordOf(fieldsOf(reply['response'])['service_tier']);
  const statedCostUsd = statedCost(usage);
  return {
    ...(serviceTier === undefined ? {} : { serviceTier }),
    ...(statedCostUsd === undefined ? {} : { statedCostUsd }),
  };
}

/**
 * The answer's total. xAI leaves reasoning out of `completion_tokens` and counts it in `total_tokens` only; everyone else
 * includes it. The provider's own sum tells which.
 */
function completionTotal(usage: Fields, promptTotal: number, details: Fields): number {
  const completion = countOf(usage['completion_tokens']);
  const reasoning = countOf(details['reasoning_tokens']);
  return countOf(usage['total_tokens']) === promptTotal + completion + reasoning ? completion + reasoning : completion;
}

/**
 * Reads the usage of chat completions: `prompt_tokens` includes cached and written tokens, `completion_tokens` includes reasoning.
 * DeepSeek's `prompt_cache_hit_tokens` stands in where there are no details. Mistral's `num_cached_tokens` is not read:
 * it also appears in replies billed without a discount.
 * @internal
 */
export function chatUsage(usage: Fields, reply: Fields, dialect: ChatDialect): StatedUsage | undefined {
  const hits = countOf(usage['prompt_cache_hit_tokens']);
  const hasPrompt = isCount(usage['prompt_tokens']);
  if (!hasPrompt && !isCount(usage['completion_tokens']) && hits === 0) return undefined;
  const stated = fieldsOf(usage['prompt_tokens_details']);
  const details = isCount(stated['cached_tokens']) ? stated : { ...stated, cached_tokens: hits };
  const total = hasPrompt ? countOf(usage['prompt_tokens']) : hits + countOf(usage['prompt_cache_miss_tokens']);
  const answer = fieldsOf(usage['completion_tokens_details']);
  return {
    usage: usageOf({
      ...promptBuckets({ total, details }, dialect),
      ...answerBuckets(completionTotal(usage, total, answer), answer, dialect),
    }),
    terms: openaiTerms(usage, reply),
  };
}

const RESPONSES: ChatDialect = { statesWrites: true, statesModalities: true };

/** Reads the usage of the Responses API. @internal */
export function responsesUsage(usage: Fields, reply: Fields): StatedUsage | undefined {
  if (!isCount(usage['input_tokens']) && !isCount(usage['output_tokens'])) return undefined;
  const prompt = { total: countOf(usage['input_tokens']), details: fieldsOf(usage['input_tokens_details']) };
  const answer = fieldsOf(usage['output_tokens_details']);
  return {
    usage: usageOf({
      ...promptBuckets(prompt, RESPONSES),
      ...answerBuckets(countOf(usage['output_tokens']), answer, RESPONSES),
    }),
    terms: openaiTerms(usage, reply),
  };
}

/** Reads the usage of embeddings: all of it is input. @internal */
export function embeddingsUsage(usage: Fields, reply: Fields): StatedUsage | undefined {
  if (!isCount(usage['prompt_tokens'])) return undefined;
  return { usage: usageOf({ input: countOf(usage['prompt_tokens']) }), terms: openaiTerms(usage, reply) };
}
