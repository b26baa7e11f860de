import { FarthingError } from '../../core/errors.ts';
import { decodeRequest } from '../decode-request.ts';
import type { DecodedRequest } from '../decoded-request.ts';
import { DEFAULT_REQUEST_LIMITS, type RequestLimits } from '../json-limits.ts';
import { isObject, type JsonObject } from '../request-guards.ts';
import { editRequest } from './edit-request.ts';
import { promptOf } from './prompt-of.ts';
import type { RequestEdit } from './request-edit.ts';
import type { RequestPrompt } from './request-prompt.ts';

/** The endpoints whose requests have a prompt. @public */
export type PromptEndpoint = 'chat' | 'responses' | 'messages';

/** A request of one's own, not of a stranger: it may be large, need not be whole, and is not sent from here. @internal */
export interface OwnRequest {
  readonly endpoint: PromptEndpoint;
  readonly request: DecodedRequest;
  readonly read: RequestPrompt;
  /** As the request says it. */
  readonly model: string | undefined;
}

/** What stands in for a model where the request names none, which only the reader of requests asks for. */
const STAND_IN = '"model":"any",';

/** A text of one's own may be larger than what strangers may send, but no deeper. */
const WIDE_LIMITS: RequestLimits = {
  ...DEFAULT_REQUEST_LIMITS,
  maxMessages: Infinity,
  maxContainers: Infinity,
  maxObjectKeys: Infinity,
};

/**
 * Reads the JSON text of a request: neither a model nor a limit of output has to be in it.
 * @throws FarthingError `invalid-request` that names the fault, never content.
 * @internal
 */
export function readOwnRequest(endpoint: PromptEndpoint, text: string): OwnRequest {
  const written = withStandIn(text);
  // A prompt needs no output limit, which `messages` would ask for.
  const asked = endpoint === 'messages' ? 'count-tokens' : endpoint;
  const request = decodeRequest(asked, new TextEncoder().encode(written), WIDE_LIMITS);
  const read = promptOf(request);
  if (read === undefined) throw new FarthingError('invalid-request', 'the request has no prompt');
  return { endpoint, request, read, model: written === text ? request.model : undefined };
}

/** The request after edits of its prompt; every other byte is as it was. @internal */
export function editedOwnRequest(own: OwnRequest, edits: readonly RequestEdit[]): OwnRequest {
  const request = editRequest(own.request, edits);
  return { ...own, request, read: promptOf(request) ?? own.read };
}

/** The request as it is written. @internal */
export function ownText({ request, model }: OwnRequest): string {
  return model === undefined ? request.text.replace(STAND_IN, '') : request.text;
}

/** A value that is a request's body; undefined where it is none. @internal */
export function requestBody(text: string): JsonObject | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The endpoint that a body is for. Anthropic's requests have the system prompt beside the messages, schemas under their own name, and models of their own.
 * @returns undefined where it is no request with a prompt.
 * @internal
 */
export function endpointOfBody(body: JsonObject): PromptEndpoint | undefined {
  if (Array.isArray(body['messages'])) {
    const tools: readonly unknown[] = Array.isArray(body['tools']) ? body['tools'] : [];
    const isAnthropic =
      body['system'] !== undefined ||
      tools.some((tool) => isObject(tool) && tool['input_schema'] !== undefined) ||
      /(?:^|\/)claude-/.test(String(body['model']));
    return isAnthropic ? 'messages' : 'chat';
  }
  const isResponses =
    typeof body['input'] === 'string' || Array.isArray(body['input']) || body['instructions'] !== undefined;
  return isResponses ? 'responses' : undefined;
}

/** First, so that it is found again there. */
function withStandIn(text: string): string {
  const body = requestBody(text);
  return body === undefined || 'model' in body ? text : text.replace('{', `{${STAND_IN}`);
}
