import { isFarthingError } from '../../core/errors.ts';
import { estimatedCallTokens, usedTokens } from '../../core/limit/token-estimate.ts';
import { type Call, decide, type Middleware } from '../compose.ts';
import type { Admission, CallLimiter } from './call-limiter.ts';

/**
 * Holds calls to the limits of their key and project: calls at a time, requests and tokens a minute. Tokens are estimated when the call comes and
 * put right when its answer is over; every way out gives the permit back. A call that asks for more tokens than a minute has is let in when the
 * bucket is full, and those after it wait. Stands behind the cache: what is served from there, or shared, takes nothing. Nor do calls of our own, which
 * are few, bound by budgets, and not to use up what is the caller's; nor deferred calls that are asked live, which passed them when they came.
 * Refuses, with 429, and with 503 when the store fails and what this process holds does not suffice: limits bound money.
 * @internal
 */
export function limitsMiddleware(limiter: CallLimiter): Middleware {
  return {
    name: 'limits',
    async handle(call, next) {
      if (call.isOwn || call.isResumed === true || !limiter.limits(call.caller)) return next(call);
      const admission = await admit(call, limiter);
      try {
        return await next(call);
      } finally {
        admission.settle(tokensOf(call));
      }
    },
  };
}

async function admit(call: Call, limiter: CallLimiter): Promise<Admission> {
  const { request } = call.state;
  const estimate = estimatedCallTokens({
    endpoint: call.endpoint,
    bodyBytes: call.body.byteLength,
    maxOutputTokens: request?.maxOutputTokens,
    samples: request?.samples ?? 1,
  });
  try {
    return await limiter.admit(call.caller, estimate);
  } catch (error) {
    if (isFarthingError(error)) decide(call, 'limits', 'refuse', error.code);
    throw error;
  }
}

/** What the call has used; undefined when no attempt of it reached a provider: such attempts have no status, and cost nothing. */
function tokensOf(call: Call): number | undefined {
  const { charges } = call.state.spending;
  const hasLeft = charges.some(({ certainty, status }) => certainty !== 'none' || status !== undefined);
  return hasLeft ? usedTokens(charges.map(({ usage }) => usage)) : undefined;
}
