import { messagesSegments } from './anthropic-prompt.ts';
import { asNumber, type JsonObject } from './json-value.ts';
import { chatSegments, responsesSegments } from './openai-prompt.ts';
import type { PromptSegment } from './rendered-prompt.ts';
import { countTokens, MESSAGE_OVERHEAD_TOKENS } from './token-count.ts';

/** The tokens of a request's prompt, as the simulated models count them. @throws ProviderRefusal where the prompt is refused @internal */
export function promptTokens(path: string, body: JsonObject): number {
  switch (path) {
    case '/v1/embeddings':
      return embeddingTokens(body['input']);
    case '/v1/chat/completions':
      return segmentTokens(chatSegments(body));
    case '/v1/responses':
      return segmentTokens(responsesSegments(body));
    default:
      return segmentTokens(messagesSegments(body));
  }
}

/** The most tokens that a request lets be generated, as it says itself; 0 when it does not. @internal */
export function statedMaxTokens(body: JsonObject): number {
  return (
    asNumber(body['max_completion_tokens']) ?? asNumber(body['max_output_tokens']) ?? asNumber(body['max_tokens']) ?? 0
  );
}

function segmentTokens(segments: readonly PromptSegment[]): number {
  let tokens = 0;
  for (const { kind, text } of segments) tokens += kind === 'role' ? MESSAGE_OVERHEAD_TOKENS : countTokens(text);
  return tokens;
}

function embeddingTokens(input: unknown): number {
  if (typeof input === 'string') return countTokens(input);
  if (!Array.isArray(input)) return 0;
  if (input.every((item) => typeof item === 'number')) return input.length;
  let tokens = 0;
  for (const item of input) tokens += embeddingTokens(item);
  return tokens;
}
