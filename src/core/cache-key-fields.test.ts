import type {
  MessageCountTokensParams as BetaCount,
  MessageCreateParams as BetaMessages,
} from '@anthropic-ai/sdk/resources/beta/messages';
import type { MessageCountTokensParams, MessageCreateParams } from '@anthropic-ai/sdk/resources/messages';
import type { ChatCompletionCreateParams } from 'openai/resources/chat/completions';
import type { EmbeddingCreateParams } from 'openai/resources/embeddings';
import type { ResponseCreateParams } from 'openai/resources/responses/responses';
import { expect, expectTypeOf, test } from 'vitest';
import { CACHE_KEY_FIELDS } from './cache-key-fields.ts';
import type {
  CHAT_FIELDS,
  COUNT_TOKENS_FIELDS,
  EMBEDDINGS_FIELDS,
  MESSAGES_FIELDS,
  RESPONSES_FIELDS,
} from './cache-key-fields.ts';

type Fields<Request> = Request extends unknown ? keyof Request : never;
/** Fields that the SDK knows and the table does not: a new one fails the type check of this file until it is classified. */
type Unclassified<Request, Table> = Exclude<Fields<Request>, keyof Table>;
/** Fields of the table that no SDK knows (any more). */
type Unknown<Request, Table> = Exclude<keyof Table, Fields<Request>>;

test('every field of the SDK request types is classified, and no other', () => {
  expectTypeOf<Unclassified<ChatCompletionCreateParams, typeof CHAT_FIELDS>>().toBeNever();
  expectTypeOf<Unclassified<ResponseCreateParams, typeof RESPONSES_FIELDS>>().toBeNever();
  expectTypeOf<Unclassified<EmbeddingCreateParams, typeof EMBEDDINGS_FIELDS>>().toBeNever();
  expectTypeOf<Unclassified<MessageCreateParams | BetaMessages, typeof MESSAGES_FIELDS>>().toBeNever();
  expectTypeOf<Unclassified<MessageCountTokensParams | BetaCount, typeof COUNT_TOKENS_FIELDS>>().toBeNever();
  expectTypeOf<Unknown<ChatCompletionCreateParams, typeof CHAT_FIELDS>>().toBeNever();
  expectTypeOf<Unknown<ResponseCreateParams, typeof RESPONSES_FIELDS>>().toBeNever();
  expectTypeOf<Unknown<EmbeddingCreateParams, typeof EMBEDDINGS_FIELDS>>().toBeNever();
  // `temperature`, `top_k` and `top_p` are older than the current types and still sent.
  expectTypeOf<Unknown<MessageCreateParams | BetaMessages, typeof MESSAGES_FIELDS>>().toEqualTypeOf<
    'temperature' | 'top_k' | 'top_p'
  >();
  expectTypeOf<Unknown<MessageCountTokensParams | BetaCount, typeof COUNT_TOKENS_FIELDS>>().toBeNever();
});

test('what is left out of keys is exactly this', () => {
  const left = Object.entries(CACHE_KEY_FIELDS).map(([endpoint, table]) => [
    endpoint,
    Object.keys(table).filter((field) => table[field] === 'out' || table[field] === 'shape'),
  ]);
  const openai = [
    'metadata',
    'prompt_cache_key',
    'prompt_cache_options',
    'prompt_cache_retention',
    'safety_identifier',
    'service_tier',
    'stream',
    'stream_options',
    'user',
  ];
  expect(left.map(([endpoint, fields]) => [endpoint, Array.from(fields ?? []).toSorted()])).toEqual([
    ['chat', [...openai, 'prediction'].toSorted()],
    ['responses', openai],
    ['embeddings', ['encoding_format', 'user']],
    ['messages', ['cache_control', 'diagnostics', 'fallback_credit_token', 'metadata', 'service_tier', 'stream']],
    ['count-tokens', ['cache_control']],
  ]);
});
