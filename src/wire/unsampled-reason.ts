import { cacheability } from '../core/cacheability.ts';
import type { DecodedRequest } from './decoded-request.ts';

/**
 * Why a request is not asked a second time, as a code; undefined: it may be. What makes a call unfit for the cache makes it unfit for this, too: it
 * does something at the provider, or goes on from what is kept there. Such calls are in no sample, so that no certificate speaks for them.
 * @internal
 */
export function unsampledReason(request: DecodedRequest): string | undefined {
  const { endpoint, body, samples } = request;
  if (samples > 1) return 'several-answers';
  const asked = { endpoint, body, headers: {}, declaredByRoute: false };
  const verdict = cacheability(asked, { mode: 'all', allowStored: false });
  return verdict.kind === 'use' ? undefined : verdict.reason;
}
