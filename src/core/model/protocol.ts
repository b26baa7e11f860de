/** The two dialects that clients speak and that providers answer in. @public */
export type Protocol = 'openai' | 'anthropic';

/** The metered endpoints, named by what they do and not by their path. @public */
export type Endpoint = 'chat' | 'responses' | 'embeddings' | 'messages' | 'count-tokens';

/** What is fixed about an endpoint. @public */
export interface EndpointFacts {
  readonly protocol: Protocol;
  /** The path that clients ask, as OpenAI and Anthropic define it. */
  readonly clientPath: string;
  /** The path below a provider's `baseUrl` (an OpenAI base ends in `/v1`, an Anthropic base does not). */
  readonly providerPath: string;
  /** Whether a reply may be an event stream. */
  readonly streams: boolean;
}

/** Every endpoint and its facts. @public */
export const ENDPOINTS: Readonly<Record<Endpoint, EndpointFacts>> = {
  chat: { protocol: 'openai', clientPath: '/v1/chat/completions', providerPath: '/chat/completions', streams: true },
  responses: { protocol: 'openai', clientPath: '/v1/responses', providerPath: '/responses', streams: true },
  embeddings: { protocol: 'openai', clientPath: '/v1/embeddings', providerPath: '/embeddings', streams: false },
  messages: { protocol: 'anthropic', clientPath: '/v1/messages', providerPath: '/v1/messages', streams: true },
  'count-tokens': {
    protocol: 'anthropic',
    clientPath: '/v1/messages/count_tokens',
    providerPath: '/v1/messages/count_tokens',
    streams: false,
  },
};
