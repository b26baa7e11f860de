import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FarthingError, retryAfterSeconds } from '../core/errors.ts';
import type { Protocol } from '../core/model/protocol.ts';
import { errorBody } from '../wire/error-body.ts';

/** For how long the rest of a refused request is read and dropped, in milliseconds, before its connection is cut. */
const LINGER_MS = 1000;

/** An error as it goes over the wire. @internal */
export interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Words an error in a protocol's shape, under a request id of its own. @internal */
export function errorReply(error: FarthingError, protocol: Protocol): ErrorReply {
  const requestId = `req_${randomBytes(12).toString('hex')}`;
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-farthing-request-id': requestId,
    ...error.headers,
  };
  // Official clients retry 408, 409, 429 and every 5xx unless they are told.
  if (!error.retryable) headers['x-should-retry'] = 'false';
  if (error.status === 503 || error.retryAfterMs !== undefined)
    headers['retry-after'] = String(retryAfterSeconds(error));
  if (error.status === 405) headers['allow'] = 'GET, POST';
  return { status: error.status, headers, body: errorBody(protocol, error, requestId) };
}

/**
 * Answers a request with an error. A body that is still coming is read and dropped for a moment, since a connection that is closed
 * with unread bytes is reset, and the client would never see the answer.
 * @internal
 */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: FarthingError,
  protocol: Protocol,
): void {
  if (response.headersSent || response.destroyed) return;
  const reply = errorReply(error, protocol);
  const flat = Object.entries(reply.headers).flat();
  flat.push('content-length', String(Buffer.byteLength(reply.body)));
  response.writeHead(reply.status, flat);
  response.end(reply.body);
  if (request.complete) return;
  const linger = setTimeout(() => {
    if (!request.complete) request.destroy();
  }, LINGER_MS).unref();
  request.once('close', () => clearTimeout(linger));
}
