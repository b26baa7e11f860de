import type { IncomingHttpHeaders } from 'node:http';
import type { Protocol } from '../core/model/protocol.ts';

/** Path of a request target: what stands before the query. @internal */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** Query of a request target, without its question mark. @internal */
export function queryOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? '' : url.slice(query + 1);
}

/** The protocol in whose shape a client wants errors: Anthropic's for its paths and for whoever sends its version header. @internal */
export function spokenProtocol(path: string, headers: IncomingHttpHeaders): Protocol {
  return path.startsWith('/v1/messages') || headers['anthropic-version'] !== undefined ? 'anthropic' : 'openai';
}
