import type { IncomingMessage } from 'node:http';
import type { Protocol } from '../core/model/protocol.ts';
import { asObject, type JsonObject } from './json-value.ts';
import { badRequest, ProviderRefusal } from './simulated-reply.ts';

/** Largest body that is read, in bytes. */
const MAX_BODY_BYTES = 20_000_000;

/** A request as the simulated provider received it. @public */
export interface ProviderRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Without its question mark; empty where there is none. */
  readonly query: string;
  readonly protocol: Protocol;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Empty for requests to the batch endpoints, whose bodies may be hundreds of megabytes. */
  readonly bodyText: string;
}

/** What the head of a request says. @internal */
export function requestHead(message: IncomingMessage): ProviderRequest {
  const [path = '/', query = ''] = (message.url ?? '/').split('?', 2);
  const isAnthropic = path.startsWith('/v1/messages') || message.headers['anthropic-version'] !== undefined;
  return {
    method: message.method ?? 'GET',
    path,
    query,
    protocol: isAnthropic ? 'anthropic' : 'openai',
    headers: message.headers,
    bodyText: '',
  };
}

/** Reads a request's body to its end. @throws ProviderRefusal with 413 when it is too large. @internal */
export async function readBodyText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_BODY_BYTES) throw new ProviderRefusal(413, 'invalid_request_error', 'Request body too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The credential of a request, which is the account that pays.
 * @throws ProviderRefusal with 401 when there is none or it is not among `apiKeys` (undefined takes any).
 * @internal
 */
export function accountOf(request: ProviderRequest, apiKeys: readonly string[] | undefined): string {
  const bearer = /^Bearer (.+)$/.exec(String(request.headers['authorization'] ?? ''))?.[1];
  const credential = request.protocol === 'anthropic' ? (request.headers['x-api-key'] ?? bearer) : bearer;
  if (typeof credential === 'string' && credential !== '' && (apiKeys?.includes(credential) ?? true)) return credential;
  const message = credential === undefined ? 'You did not provide an API key.' : 'Incorrect API key provided.';
  throw new ProviderRefusal(401, 'invalid_request_error', message, { code: 'invalid_api_key' });
}

/** The body as an object. @throws ProviderRefusal with 400 when it is none. @internal */
export function jsonBody(request: ProviderRequest): JsonObject {
  const message = 'We could not parse the JSON body of your request.';
  let value: unknown;
  try {
    value = JSON.parse(request.bodyText);
  } catch {
    throw badRequest(message);
  }
  const body = asObject(value);
  if (body === undefined) throw badRequest(message);
  return body;
}
