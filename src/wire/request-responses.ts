import type { RequestLimits } from './json-limits.ts';
import type { RequestFacts } from './request-facts.ts';
import {
  checkBoolean,
  checkNumbers,
  checkObject,
  checkObjects,
  isAbsent,
  type JsonObject,
  refuse,
  textOrParts,
  wholeNumber,
} from './request-guards.ts';

/** Fields that bring the input from elsewhere, so that `input` may be absent. */
const INPUT_SOURCES = ['prompt', 'previous_response_id', 'conversation'] as const;

/** Checks a Responses request: only what the gateway acts on. @internal */
export function readResponses(body: JsonObject, limits: RequestLimits): RequestFacts {
  const input = textOrParts(body['input'], 'input');
  if (input === undefined && INPUT_SOURCES.every((name) => isAbsent(body[name]))) refuse('input', 'is required');
  if (Array.isArray(input) && input.length > limits.maxMessages) {
    refuse('input', `must have at most ${limits.maxMessages} entries`);
  }
  if (Array.isArray(input)) checkObjects(body, 'input');
  checkBoolean(body, 'stream');
  checkObject(body, 'stream_options');
  checkBoolean(body, 'background');
  checkBoolean(body, 'store');
  checkNumbers(body, ['temperature', 'top_p']);
  checkObjects(body, 'tools');
  return {
    isStream: body['stream'] === true,
    wantsUsageChunk: false,
    maxOutputTokens: wholeNumber(body, 'max_output_tokens', 1),
    samples: 1,
  };
}
