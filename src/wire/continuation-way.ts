import type { DecodedRequest } from './decoded-request.ts';
import { isObject } from './request-guards.ts';
import { structuredFormat } from './structured-format.ts';

/**
 * How a target is asked to go on behind a partial text. `prefill`: the text is the last message, and the model goes on behind its last token.
 * `prefix`: the same in Mistral's way, where the message is marked and the reply repeats it. `instruct`: the text is the assistant's last message, and a
 * short message of the user asks to go on.
 * @public
 */
export type ContinuationWay = 'prefill' | 'prefix' | 'instruct';

/** The Claude models that take a prefill: all before 4.6. */
const CLAUDE_WITH_PREFILL =
  /^claude-(?:3(?:-[57])?-(?:opus|sonnet|haiku)|(?:opus|sonnet|haiku)-4(?:-[0-5])?)(?:-\d{8}|-latest)?$/;

/** Mistral's reasoning models think before they answer; how a prefix agrees with that is not documented. */
const MISTRAL_REASONING = /^magistral/;

/**
 * Which way a target allows; `instruct`, which all do, where it is not known that it allows more. As looked up on 2026-11-25:
 *
 * | target | prefill |
 * |---|---|
 * | Anthropic, Claude before 4.6 | yes, without extended thinking and structured outputs (docs.claude.com, prefill-claudes-response) |
 * | Anthropic, Claude 4.6 and later | refused with 400 (platform.claude.com, whats-new-claude-4-6, "prefill removal") |
 * | Mistral, chat | with `prefix: true` (docs.mistral.ai, AssistantMessage); the reply repeats the prefix (vercel/ai, mistral-chat-language-model.ts) |
 * | OpenAI, chat and responses | none: a last message of the assistant is history |
 * | DeepSeek | with `prefix: true`, at the beta base URL alone (api-docs.deepseek.com, chat_prefix_completion), so not taken for granted |
 * | OpenRouter | passed on, so it depends on the model and on who serves it |
 * | vLLM and its kin | with `continue_final_message`, but nothing says that a target is one |
 *
 * @param vendor - whose API it is; undefined: not known.
 * @param model - the target's name for the model.
 * @public
 */
export function continuationWay(
  request: Pick<DecodedRequest, 'endpoint' | 'body'>,
  vendor: string | undefined,
  model: string,
): ContinuationWay {
  const { endpoint, body } = request;
  if (structuredFormat(request) !== undefined) return 'instruct';
  if (endpoint === 'messages' && vendor === 'anthropic') {
    return CLAUDE_WITH_PREFILL.test(model) && !thinks(body['thinking']) ? 'prefill' : 'instruct';
  }
  if (endpoint === 'chat' && vendor === 'mistral') {
    return MISTRAL_REASONING.test(model) || 'reasoning_effort' in body || endsWithAssistant(body['messages'])
      ? 'instruct'
      : 'prefix';
  }
  return 'instruct';
}

function thinks(thinking: unknown): boolean {
  return isObject(thinking) && thinking['type'] !== 'disabled';
}

/** A caller's own prefix: two in a row are not documented. */
function endsWithAssistant(messages: unknown): boolean {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  return isObject(last) && last['role'] === 'assistant';
}
