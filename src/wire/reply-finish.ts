import type { Finish } from '../core/model/reply.ts';

/** From best to worst: an answer of several choices is as good as its worst. */
const SEVERITY: Readonly<Record<Finish, number>> = {
  complete: 0,
  'tool-calls': 1,
  unknown: 2,
  paused: 3,
  length: 4,
  'content-filter': 5,
  refusal: 6,
  error: 7,
};

/** The worse of two ends. @internal */
export function worseFinish(left: Finish, right: Finish): Finish {
  return SEVERITY[left] >= SEVERITY[right] ? left : right;
}

/**
 * `finish_reason` of chat completions: OpenAI's words, then those of compatible providers (DeepSeek, Mistral, Groq, Together, vLLM,
 * OpenRouter, Z.ai), from their API references.
 */
const CHAT_WORDS: ReadonlyMap<string, Finish> = new Map<string, Finish>([
  ['stop', 'complete'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['length', 'length'],
  ['content_filter', 'content-filter'],
  ['eos', 'complete'],
  ['end_turn', 'complete'],
  ['stop_sequence', 'complete'],
  ['tool_use', 'tool-calls'],
  ['max_tokens', 'length'],
  ['model_length', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['safety', 'content-filter'],
  ['sensitive', 'content-filter'],
  ['refusal', 'refusal'],
  ['abort', 'error'],
  ['error', 'error'],
  ['insufficient_system_resource', 'error'],
  ['network_error', 'error'],
]);

/** `stop_reason` of Anthropic messages. */
const MESSAGES_WORDS: ReadonlyMap<string, Finish> = new Map<string, Finish>([
  ['end_turn', 'complete'],
  ['stop_sequence', 'complete'],
  ['tool_use', 'tool-calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['refusal', 'refusal'],
  ['pause_turn', 'paused'],
  ['compaction', 'paused'],
]);

/** What a chat `finish_reason` means. Letter case does not count. @internal */
export function chatFinish(word: string): Finish {
  return CHAT_WORDS.get(word.toLowerCase()) ?? 'unknown';
}

/** What a messages `stop_reason` means. @internal */
export function messagesFinish(word: string): Finish {
  return MESSAGES_WORDS.get(word) ?? 'unknown';
}

/** What `status` and `incomplete_details.reason` of a response mean. @internal */
export function responsesFinish(status: string, incompleteReason: string | undefined): Finish {
  if (status === 'completed') return 'complete';
  if (status === 'failed') return 'error';
  if (status !== 'incomplete') return 'unknown';
  return incompleteReason === 'content_filter' ? 'content-filter' : 'length';
}
