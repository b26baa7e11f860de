import type { DecodedRequest } from './decoded-request.ts';
import { isAbsent, isObject } from './request-guards.ts';

/** Room for the answer itself beside a thinking budget, in tokens. */
const ANSWER_TOKENS = 1024;

/** Vendors whose own chat API takes `max_completion_tokens`, and for reasoning models nothing else. */
const TAKES_COMPLETION_LIMIT: ReadonlySet<string | undefined> = new Set(['openai', 'azure']);

/**
 * The members that limit a request's output, for `spliceRequest`.
 * @param vendor - whose API it goes to; undefined: not known.
 * @returns none on endpoints that write nothing.
 * @public
 */
export function outputLimitMembers(
  request: Pick<DecodedRequest, 'endpoint' | 'body'>,
  tokens: number,
  vendor: string | undefined,
): Readonly<Record<string, string>> {
  const limit = String(tokens);
  switch (request.endpoint) {
    case 'responses':
      return { max_output_tokens: limit };
    case 'messages':
      return { max_tokens: limit };
    case 'chat': {
      const used = ['max_completion_tokens', 'max_tokens'].filter((name) => !isAbsent(request.body[name]));
      if (used.length > 0) return Object.fromEntries(used.map((name) => [name, limit]));
      return TAKES_COMPLETION_LIMIT.has(vendor) ? { max_completion_tokens: limit } : { max_tokens: limit };
    }
    case 'embeddings':
    case 'count-tokens':
      return {};
  }
}

/**
 * The least that a request's output limit may be lowered to, in tokens. Anthropic refuses a limit that does not exceed the thinking budget, and
 * OpenRouter does so for `reasoning.max_tokens`.
 * @public
 */
export function outputFloor(request: Pick<DecodedRequest, 'endpoint' | 'body'>): number {
  return ANSWER_TOKENS + thinkingBudget(request);
}

/** The tokens that a request sets aside for thinking, which its output limit must exceed; 0 where it does not say. @internal */
export function thinkingBudget(request: Pick<DecodedRequest, 'endpoint' | 'body'>): number {
  const { endpoint, body } = request;
  if (endpoint === 'messages') return budgetIn(body['thinking'], 'budget_tokens');
  return endpoint === 'chat' ? budgetIn(body['reasoning'], 'max_tokens') : 0;
}

function budgetIn(value: unknown, name: string): number {
  const budget = isObject(value) ? value[name] : undefined;
  return typeof budget === 'number' && budget > 0 ? Math.ceil(budget) : 0;
}
