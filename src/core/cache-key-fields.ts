import type { Endpoint } from './model/protocol.ts';

/**
 * What a field of a request body means to the cache.
 * `in`: may change the answer, so it is part of the key. `bypass`: part of the key, and by itself a reason not to cache (see `cacheability`).
 * `shape`: how the answer is sent; one stored answer serves every shape. `out`: cannot change the answer (attribution, billing, provider-side
 * caching). `target`: the model, which the key holds as routing chose it. A field that is not listed is `in`.
 * @public
 */
export type FieldRole = 'in' | 'bypass' | 'shape' | 'out' | 'target';

// Sources: the request types of the `openai` 7 and `@anthropic-ai/sdk` 1 packages; a test holds these tables and those types together.

/** `POST /v1/chat/completions`. @internal */
export const CHAT_FIELDS = {
  model: 'target',
  messages: 'in',
  audio: 'in',
  frequency_penalty: 'in',
  function_call: 'in',
  functions: 'in',
  logit_bias: 'in',
  logprobs: 'in',
  max_completion_tokens: 'in',
  max_tokens: 'in',
  modalities: 'in',
  moderation: 'in',
  n: 'in',
  parallel_tool_calls: 'in',
  presence_penalty: 'in',
  reasoning_effort: 'in',
  response_format: 'in',
  seed: 'in',
  stop: 'in',
  temperature: 'in',
  tool_choice: 'in',
  tools: 'in',
  top_logprobs: 'in',
  top_p: 'in',
  verbosity: 'in',
  store: 'bypass',
  web_search_options: 'bypass',
  stream: 'shape',
  stream_options: 'shape',
  metadata: 'out',
  prediction: 'out', // speeds up an edit, the answer is the model's own
  prompt_cache_key: 'out',
  prompt_cache_options: 'out',
  prompt_cache_retention: 'out',
  safety_identifier: 'out',
  service_tier: 'out',
  user: 'out',
} as const;

/** `POST /v1/responses`. @internal */
export const RESPONSES_FIELDS = {
  model: 'target',
  access_programs: 'in',
  context_management: 'in',
  image: 'in',
  include: 'in',
  input: 'in',
  instructions: 'in',
  max_output_tokens: 'in',
  max_tool_calls: 'in',
  moderation: 'in',
  parallel_tool_calls: 'in',
  reasoning: 'in',
  temperature: 'in',
  text: 'in',
  tool_choice: 'in',
  tools: 'in',
  top_logprobs: 'in',
  top_p: 'in',
  truncation: 'in',
  background: 'bypass',
  conversation: 'bypass',
  previous_response_id: 'bypass',
  prompt: 'bypass', // only without a version: the newest may change
  store: 'bypass',
  stream: 'shape',
  stream_options: 'shape',
  metadata: 'out',
  prompt_cache_key: 'out',
  prompt_cache_options: 'out',
  prompt_cache_retention: 'out',
  safety_identifier: 'out',
  service_tier: 'out',
  user: 'out',
} as const;

/** `POST /v1/embeddings`; `input` stands for one item (see `embedding-items`). @internal */
export const EMBEDDINGS_FIELDS = {
  model: 'target',
  dimensions: 'in',
  input: 'in',
  encoding_format: 'shape',
  user: 'out',
} as const;

/** `POST /v1/messages`, the beta fields included. @internal */
export const MESSAGES_FIELDS = {
  model: 'target',
  betas: 'in',
  billing_policy: 'in',
  compaction: 'in',
  context_management: 'in',
  inference_geo: 'in',
  max_tokens: 'in',
  messages: 'in',
  output_config: 'in',
  output_format: 'in',
  speed: 'in',
  stop_sequences: 'in',
  system: 'in',
  temperature: 'in',
  thinking: 'in',
  tool_choice: 'in',
  tools: 'in',
  top_k: 'in',
  top_p: 'in',
  user_profile_id: 'in',
  workspace_id: 'in',
  container: 'bypass',
  fallbacks: 'bypass', // another model may answer
  mcp_servers: 'bypass',
  thread: 'bypass',
  stream: 'shape',
  cache_control: 'out',
  diagnostics: 'out',
  fallback_credit_token: 'out',
  metadata: 'out',
  service_tier: 'out',
} as const;

/** `POST /v1/messages/count_tokens`: nothing runs, so nothing bypasses. @internal */
export const COUNT_TOKENS_FIELDS = {
  model: 'target',
  betas: 'in',
  billing_policy: 'in',
  compaction: 'in',
  context_management: 'in',
  mcp_servers: 'in',
  messages: 'in',
  output_config: 'in',
  output_format: 'in',
  speed: 'in',
  system: 'in',
  thinking: 'in',
  tool_choice: 'in',
  tools: 'in',
  user_profile_id: 'in',
  workspace_id: 'in',
  cache_control: 'out',
} as const;

/** The table of every endpoint; a field that is not in it counts. @internal */
export const CACHE_KEY_FIELDS: Readonly<Record<Endpoint, Readonly<Record<string, FieldRole>>>> = {
  chat: CHAT_FIELDS,
  responses: RESPONSES_FIELDS,
  embeddings: EMBEDDINGS_FIELDS,
  messages: MESSAGES_FIELDS,
  'count-tokens': COUNT_TOKENS_FIELDS,
};
