import { FarthingError } from '../core/errors.ts';
import type { RequestLimits } from '../wire/json-limits.ts';
import { decodeRequest } from '../wire/decode-request.ts';
import type { Middleware } from './compose.ts';

/** What a query may hold (RFC 3986, 3.4). */
const QUERY = /^[\w\-.~!$&'()*+,;=:@/?%]*$/;

/** Reads the caller's body. Refuses what is malformed, before anything is spent. @internal */
export function decodeMiddleware(limits: RequestLimits | undefined): Middleware {
  return {
    name: 'decode',
    handle(call, next) {
      if (!QUERY.test(call.query)) throw new FarthingError('invalid-request', 'the query of the address is malformed');
      const request = decodeRequest(call.endpoint, call.body, limits);
      call.state.request = request;
      call.state.shape = request;
      return next(call);
    },
  };
}
