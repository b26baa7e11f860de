import type { Endpoint } from '../core/model/protocol.ts';
import type { ContinuationWay } from './continuation-way.ts';
import { decodeRequest } from './decode-request.ts';
import type { DecodedRequest } from './decoded-request.ts';
import { NO_REQUEST_LIMITS } from './json-limits.ts';
import { thinkingBudget } from './output-limit.ts';
import { utf8Bytes } from './reply-fields.ts';
import { isAbsent } from './request-guards.ts';
import { sentText } from './sent-text.ts';
import { spliceRequest } from './splice-request.ts';
import { structuredFormat } from './structured-format.ts';

/** OpenAI refuses a smaller `max_output_tokens` (`integer_below_min_value`, earendil-works/pi issue 6265, 2026-07). */
const LEAST_RESPONSES_TOKENS = 16;
const BYTES_PER_TOKEN = 4;

const LIMIT_FIELDS: Readonly<Partial<Record<Endpoint, readonly string[]>>> = {
  chat: ['max_completion_tokens', 'max_tokens'],
  responses: ['max_output_tokens'],
  messages: ['max_tokens'],
};

const GO_ON =
  'Your answer above was cut off. Go on exactly behind its last character and write only what is missing: do not repeat any of it, ' +
  'do not comment on it, do not begin anew. If it stopped inside a word, begin with the rest of that word; if a space comes next, begin with the space.';

/**
 * The request that asks another target to go on behind a partial text.
 *
 * The text (without whitespace at its end, see `TextSeam`) is added as a message of the assistant, and with `instruct` a message of the user that asks to
 * go on. The caller's limits on output are lowered by what has been produced (a token for four bytes), but not below 1, nor below what the API takes.
 * With `instruct`, a format that constrains the answer (JSON Schema) is asked for in words instead: it would force the
 * model to begin a new document. All else stays byte for byte as the caller wrote it.
 * @returns the request itself when the text holds nothing but whitespace: it is asked anew then.
 * @public
 */
export function continuationRequest(
  request: DecodedRequest,
  partialText: string,
  way: ContinuationWay,
): DecodedRequest {
  const text = sentText(partialText);
  if (text === '') return request;
  const format = way === 'instruct' ? structuredFormat(request) : undefined;
  const answer = { role: 'assistant', content: text, ...(way === 'prefix' && { prefix: true }) };
  const question = { role: 'user', content: GO_ON + inWords(format) };
  const added = (way === 'instruct' ? [answer, question] : [answer]).map((message) => JSON.stringify(message));
  const name = request.endpoint === 'responses' ? 'input' : 'messages';
  const members = {
    ...format?.plainMembers,
    ...loweredLimits(request, Math.ceil(utf8Bytes(text) / BYTES_PER_TOKEN)),
    [name]: extended(request, name, added),
  };
  const bytes = spliceRequest(request, { members });
  return bytes === undefined ? request : decodeRequest(request.endpoint, bytes, NO_REQUEST_LIMITS);
}

function inWords(format: { readonly schema: unknown } | undefined): string {
  if (format === undefined) return '';
  if (format.schema === undefined) return ' As a whole, the answer is one JSON object and nothing else.';
  return ` As a whole, the answer is one JSON document and nothing else, and fits this schema: ${JSON.stringify(format.schema)}`;
}

/** The conversation as the caller wrote it, with messages behind. */
function extended(request: DecodedRequest, name: 'input' | 'messages', added: readonly string[]): string {
  const value = request.body[name];
  const range = request.members.get(name);
  if (range === undefined || isAbsent(value)) return `[${added.join(',')}]`;
  const written = request.text.slice(range.valueStart, range.valueEnd);
  if (!Array.isArray(value)) return `[{"role":"user","content":${written}},${added.join(',')}]`;
  const end = written.lastIndexOf(']');
  return `${written.slice(0, end)}${value.length > 0 ? ',' : ''}${added.join(',')}${written.slice(end)}`;
}

function loweredLimits(request: DecodedRequest, producedTokens: number): Readonly<Record<string, string>> {
  const { endpoint, body } = request;
  const least = endpoint === 'responses' ? LEAST_RESPONSES_TOKENS : thinkingBudget(request) + 1;
  const limits: Record<string, string> = {};
  for (const name of LIMIT_FIELDS[endpoint] ?? []) {
    const limit = body[name];
    if (typeof limit === 'number') limits[name] = String(Math.min(limit, Math.max(limit - producedTokens, least)));
  }
  return limits;
}
