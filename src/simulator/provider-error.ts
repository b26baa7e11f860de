import type { Protocol } from '../core/model/protocol.ts';
import { ProviderRefusal } from './simulated-reply.ts';

/** Types and messages that real providers send with a status. */
const OPENAI_ERRORS: Readonly<Record<number, readonly [type: string, code: string | null, message: string]>> = {
  429: ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests. Please try again later.'],
  500: ['server_error', null, 'The server had an error while processing your request. Sorry about that!'],
  503: ['server_error', 'server_is_overloaded', 'The server is overloaded. Please try again later.'],
  529: ['server_error', 'server_is_overloaded', 'The server is overloaded. Please try again later.'],
};
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  503: 'api_error',
  529: 'overloaded_error',
};

/** The refusal that a provider words for a status. @internal */
export function refusalOf(status: number): ProviderRefusal {
  const [type, code, message] = OPENAI_ERRORS[status] ?? ['invalid_request_error', null, 'The request was refused.'];
  return new ProviderRefusal(status, type, message, code === null ? {} : { code });
}

/** The body of an error reply in the protocol's shape. @internal */
export function errorBody(protocol: Protocol, refusal: ProviderRefusal, requestId: string): string {
  if (protocol === 'anthropic') {
    const type = ANTHROPIC_TYPES[refusal.status] ?? 'invalid_request_error';
    return JSON.stringify({ type: 'error', error: { type, message: refusal.message }, request_id: requestId });
  }
  const { message, type, param, code } = refusal;
  return JSON.stringify({ error: { message, type, param, code } });
}

/** The event that tells of an error inside a stream that began with 200. @internal */
export function errorEvent(protocol: Protocol, path: string): string {
  if (protocol === 'anthropic') {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    return `event: error\ndata: ${JSON.stringify(error)}\n\n`;
  }
  const message = 'The server had an error while processing your request.';
  if (path === '/v1/responses') {
    const error = { type: 'error', code: 'server_error', message, param: null, sequence_number: 99 };
    return `event: error\ndata: ${JSON.stringify(error)}\n\n`;
  }
  return `data: ${JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } })}\n\n`;
}
