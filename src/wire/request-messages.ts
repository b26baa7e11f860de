import type { RequestLimits } from './json-limits.ts';
import type { RequestFacts } from './request-facts.ts';
import {
  checkBoolean,
  checkMessages,
  checkNumbers,
  checkObjects,
  type JsonObject,
  refuse,
  textOrParts,
  wholeNumber,
} from './request-guards.ts';

/** Checks an Anthropic messages request: only what the gateway acts on. @internal */
export function readMessages(body: JsonObject, limits: RequestLimits): RequestFacts {
  checkPrompt(body, limits);
  checkBoolean(body, 'stream');
  checkNumbers(body, ['temperature', 'top_p', 'top_k']);
  // 0 answers nothing but writes the prompt cache (@anthropic-ai/sdk 1.12, MessageCreateParams.max_tokens).
  const maxOutputTokens = wholeNumber(body, 'max_tokens', 0) ?? refuse('max_tokens', 'is required');
  return { isStream: body['stream'] === true, wantsUsageChunk: false, maxOutputTokens, samples: 1 };
}

/** Checks an Anthropic count_tokens request, which is a prompt without the rest. @internal */
export function readCountTokens(body: JsonObject, limits: RequestLimits): RequestFacts {
  checkPrompt(body, limits);
  return { isStream: false, wantsUsageChunk: false, maxOutputTokens: undefined, samples: 1 };
}

function checkPrompt(body: JsonObject, limits: RequestLimits): void {
  checkMessages(body, limits.maxMessages, true);
  textOrParts(body['system'], 'system');
  checkObjects(body, 'tools');
}
