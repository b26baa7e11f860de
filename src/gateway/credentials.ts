import type { IncomingHttpHeaders } from 'node:http';

/** Headers that carry credentials; none of them goes further than the gateway. */
const CREDENTIAL_HEADERS = [
  'authorization',
  'x-api-key',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'api-key',
] as const;

/**
 * The secret that a request carries: `Authorization: Bearer` (OpenAI's clients, Anthropic's auth token) or `x-api-key`
 * (Anthropic's clients). Undefined when there is none.
 * @internal
 */
export function secretOf(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined && authorization.length > 7 && /^bearer /i.test(authorization.slice(0, 7))) {
    return authorization.slice(7).trim();
  }
  const apiKey = headers['x-api-key'];
  return typeof apiKey === 'string' && apiKey !== '' ? apiKey : undefined;
}

/** A request's headers by lower-case name, each once. @internal */
export type PlainHeaders = Readonly<Record<string, string | undefined>>;

/** Takes credentials out of a request's headers, so that no later step can forward, log or cache them. @internal */
export function dropCredentials(headers: IncomingHttpHeaders): PlainHeaders {
  // Set to undefined rather than deleted: deleting turns the object into a slow dictionary.
  for (const name of CREDENTIAL_HEADERS) if (headers[name] !== undefined) headers[name] = undefined;
  return isPlain(headers) ? headers : {};
}

/** Node joins repeated headers, but for `set-cookie`, which no request has and which is dropped with the credentials. */
function isPlain(headers: IncomingHttpHeaders): headers is Record<string, string | undefined> {
  return headers['set-cookie'] === undefined;
}
