import type { RequestLimits } from './json-limits.ts';
import {
  checkBoolean,
  checkMessages,
  checkNumbers,
  checkObject,
  checkObjects,
  isObject,
  type JsonObject,
  wholeNumber,
} from './request-guards.ts';
import type { RequestFacts } from './request-facts.ts';

const SAMPLING = ['temperature', 'top_p', 'frequency_penalty', 'presence_penalty', 'seed'] as const;

/** Checks a chat completions request: only what the gateway acts on. @internal */
export function readChat(body: JsonObject, limits: RequestLimits): RequestFacts {
  // Content may be absent: an assistant's message with tool calls has none.
  checkMessages(body, limits.maxMessages, false);
  checkBoolean(body, 'stream');
  checkObject(body, 'stream_options');
  checkNumbers(body, SAMPLING);
  checkObjects(body, 'tools');
  const samples = wholeNumber(body, 'n', 1) ?? 1;
  const newer = wholeNumber(body, 'max_completion_tokens', 1);
  const older = wholeNumber(body, 'max_tokens', 1);
  const options = body['stream_options'];
  return {
    isStream: body['stream'] === true,
    wantsUsageChunk: isObject(options) && options['include_usage'] === true,
    maxOutputTokens: newer !== undefined && older !== undefined ? Math.max(newer, older) : (newer ?? older),
    samples,
  };
}
