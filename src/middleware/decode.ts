import type { RequestLimits } from '../wire/json-limits.ts';
import { decodeRequest } from '../wire/decode-request.ts';
import type { Middleware } from './compose.ts';

/** Reads the caller's body. Refuses what is malformed, before anything is spent. @internal */
export function decodeMiddleware(limits: RequestLimits | undefined): Middleware {
  return {
    name: 'decode',
    handle(call, next) {
      const request = decodeRequest(call.endpoint, call.body, limits);
      call.state.request = request;
      call.state.shape = request;
      return next(call);
    },
  };
}
