import { type Endpoint, ENDPOINTS, type Protocol } from '../../core/model/protocol.ts';

/** An error that providers tell of, by what it means. @public */
export type ProviderErrorKind =
  | 'rate-limit'
  | 'slow-down'
  | 'quota'
  | 'context-length'
  | 'content-filter'
  | 'overloaded'
  | 'server-error'
  | 'timeout'
  | 'invalid-request'
  | 'authentication'
  | 'permission'
  | 'not-found'
  | 'bad-gateway';

interface Words {
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
}

function words(type: string, code: string | null, message: string): Words {
  return { type, code, message };
}

/** OpenAI's words (openai-openapi `Error`; recorded replies; its guide to error codes). */
const OPENAI: Readonly<Record<ProviderErrorKind, Words>> = {
  'rate-limit': words(
    'requests',
    'rate_limit_exceeded',
    'Rate limit reached for gpt-5.4-mini in organization org-test on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms.',
  ),
  'slow-down': words(
    'rate_limit_error',
    'slow_down',
    'You are sending requests too quickly. Please reduce your request rate to its original level.',
  ),
  quota: words(
    'insufficient_quota',
    'insufficient_quota',
    'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
  ),
  'context-length': words(
    'invalid_request_error',
    'context_length_exceeded',
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130012 tokens. Please reduce the length of the messages.",
  ),
  'content-filter': words(
    'invalid_request_error',
    'content_filter',
    "The response was filtered due to the prompt triggering the provider's content management policy. Please modify your prompt and retry.",
  ),
  overloaded: words('server_error', 'server_is_overloaded', 'The server is overloaded. Please try again later.'),
  'server-error': words(
    'server_error',
    null,
    'The server had an error while processing your request. Sorry about that!',
  ),
  timeout: words('server_error', 'timeout', 'Request timed out.'),
  'invalid-request': words('invalid_request_error', 'unsupported_value', 'Unsupported value in the request.'),
  authentication: words('invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'),
  permission: words('invalid_request_error', 'model_not_available', 'You are not allowed to sample from this model.'),
  'not-found': words(
    'invalid_request_error',
    'model_not_found',
    'The model `nonexistent` does not exist or you do not have access to it.',
  ),
  'bad-gateway': words('server_error', null, 'Bad gateway'),
};

/** Anthropic's words ("Errors" in its API reference; recorded replies). It has no codes. */
const ANTHROPIC: Readonly<Record<ProviderErrorKind, Words>> = {
  'rate-limit': words(
    'rate_limit_error',
    null,
    "This request would exceed your organization's rate limit of 50 requests per minute.",
  ),
  'slow-down': words(
    'rate_limit_error',
    null,
    'Your usage has risen too quickly. Please increase your request rate gradually.',
  ),
  quota: words(
    'invalid_request_error',
    null,
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  ),
  'context-length': words('invalid_request_error', null, 'prompt is too long: 201342 tokens > 200000 maximum'),
  'content-filter': words('invalid_request_error', null, 'Output blocked by content filtering policy'),
  overloaded: words('overloaded_error', null, 'Overloaded'),
  'server-error': words('api_error', null, 'Internal server error'),
  timeout: words('timeout_error', null, 'Request timed out'),
  'invalid-request': words('invalid_request_error', null, 'messages: at least one message is required'),
  authentication: words('authentication_error', null, 'invalid x-api-key'),
  permission: words('permission_error', null, 'Your API key does not have permission to use the specified resource.'),
  'not-found': words('not_found_error', null, 'model: claude-does-not-exist'),
  'bad-gateway': words('api_error', null, 'Bad gateway'),
};

const USUAL: Readonly<Record<number, ProviderErrorKind>> = {
  401: 'authentication',
  403: 'permission',
  404: 'not-found',
  408: 'timeout',
  429: 'rate-limit',
  502: 'bad-gateway',
  503: 'overloaded',
  504: 'timeout',
  529: 'overloaded',
};

/** A page that proxies before a provider answer with. @internal */
export const GATEWAY_PAGE =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n';

/** The error that usually comes with a status. @internal */
export function usualError(status: number): ProviderErrorKind {
  return USUAL[status] ?? (status >= 500 ? 'server-error' : 'invalid-request');
}

/** The JSON body of an error reply. @internal */
export function providerErrorBody(protocol: Protocol, kind: ProviderErrorKind): string {
  if (protocol === 'anthropic') {
    const { type, message } = ANTHROPIC[kind];
    return JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_011CVEA3SF7rnb3DuBZytqQa' });
  }
  const { type, code, message } = OPENAI[kind];
  return JSON.stringify({ error: { message, type, param: null, code } });
}

/** The event that tells of an error inside a stream. @internal */
export function providerErrorEvent(endpoint: Endpoint, kind: ProviderErrorKind, sequenceNumber: number): string {
  if (endpoint === 'responses') {
    const { type, code, message } = OPENAI[kind];
    // As recorded: the error in an object of its own, unlike the published schema.
    const event = { type: 'error', sequence_number: sequenceNumber, error: { type, code, message, param: null } };
    return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
  }
  const { protocol } = ENDPOINTS[endpoint];
  const data = `data: ${providerErrorBody(protocol, kind)}\n\n`;
  return protocol === 'anthropic' ? `event: error\n${data}` : data;
}
