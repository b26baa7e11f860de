import type { ErrorCode, FarthingError } from '../core/errors.ts';
import { type Endpoint, ENDPOINTS, type Protocol } from '../core/model/protocol.ts';

/** Codes that OpenAI has a word of its own for; the others are ours, in its spelling (openai-openapi, `Error`). */
const OPENAI_CODES: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthenticated: 'invalid_api_key',
  overloaded: 'server_is_overloaded',
};

/**
 * An error in the shape of the protocol that was spoken, as JSON text.
 * The cause stays inside: only message, code and param are told.
 * @param requestId - Told inside the body where the protocol has a place for it (Anthropic); OpenAI's goes in a header.
 * @public
 */
export function errorBody(protocol: Protocol, error: FarthingError, requestId: string): string {
  if (protocol === 'anthropic') {
    const told = { type: anthropicType(error.status), message: error.message };
    return JSON.stringify({ type: 'error', error: told, request_id: requestId });
  }
  const told = {
    message: error.message,
    type: openaiType(error.status),
    param: error.param ?? null,
    code: openaiCode(error),
  };
  return JSON.stringify({ error: told });
}

/**
 * The same as an event inside a stream whose head has been sent. The official clients raise it: OpenAI's on any `data` with an `error` member and
 * on `event: error` (openai 7, core/streaming), Anthropic's on `event: error` (@anthropic-ai/sdk 1, core/streaming).
 * @param sequenceNumber - For the Responses API, whose events are numbered: the number after that of the last event sent.
 * @public
 */
export function errorEvent(endpoint: Endpoint, error: FarthingError, requestId: string, sequenceNumber = 0): string {
  if (endpoint === 'responses') {
    const told = {
      type: 'error',
      code: openaiCode(error),
      message: error.message,
      param: error.param ?? null,
      sequence_number: sequenceNumber,
    };
    return `event: error\ndata: ${JSON.stringify(told)}\n\n`;
  }
  const { protocol } = ENDPOINTS[endpoint];
  const data = `data: ${errorBody(protocol, error, requestId)}\n\n`;
  return protocol === 'anthropic' ? `event: error\n${data}` : data;
}

function openaiCode(error: FarthingError): string {
  return OPENAI_CODES[error.code] ?? error.code.replaceAll('-', '_');
}

function openaiType(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'insufficient_quota';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 429:
      return 'rate_limit_error';
    default:
      return status >= 500 ? 'server_error' : 'invalid_request_error';
  }
}

/** The types that Anthropic lists under "Errors" in its API reference. */
function anthropicType(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'billing_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 503:
    case 529:
      return 'overloaded_error';
    case 504:
      return 'timeout_error';
    default:
      return status >= 500 ? 'api_error' : 'invalid_request_error';
  }
}
