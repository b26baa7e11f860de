import { usesHostedTools, usesStoredConversation } from '../../core/cacheability.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { cascadeName } from '../../core/route/cascade-name.ts';
import type { Target } from '../../core/model/target.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { decide, type Middleware, type RoutePlan } from '../compose.ts';
import type { CascadeOptions } from './cascade-options.ts';
import { CascadeRun } from './cascade-run.ts';

/**
 * Asks the cheap targets of a plan first, checks what they answer, and gives the client the first answer that passes; else that of the strong target. A client
 * never gets an answer that failed a check. Streamed calls are answered as streams once that is decided; until then they get a head and pings.
 *
 * Stands aside for plans without a cascade and for endpoints without answers to check. What a provider would keep or do for a call is not to be kept or
 * done twice: such calls go to the strong target at once.
 * @internal
 */
export function cascadeMiddleware(options: CascadeOptions): Middleware {
  return {
    name: 'cascade',
    handle(call, next) {
      const { plan, request } = call.state;
      const cascade = plan?.cascade;
      if (plan?.route?.reason === 'cascade-off')
        decide(call, 'cascade', 'off', options.book.offReason(cascadeName(plan.route)));
      if (plan === undefined || cascade === undefined) return next(call);
      if (request === undefined || !ENDPOINTS[call.endpoint].streams) return next(call);
      const stages = stagesOf(plan, cascade.length);
      const obstacle = obstacleOf(request);
      if (obstacle === undefined) return new CascadeRun(call, { cascade, request, ...stages }, next, options).run();
      decide(call, 'cascade', 'skip', obstacle);
      call.state.plan = { ...plan, targets: stages.last, cascade: undefined };
      return next(call);
    },
  };
}

/** The cheap targets, and the strong one with its fallbacks. */
function stagesOf(
  { targets }: RoutePlan,
  length: number,
): { readonly cheap: readonly Target[]; readonly last: RoutePlan['targets'] } {
  const cheapCount = Math.max(0, Math.min(length, targets.length) - 1);
  const [strong = targets[0], ...fallbacks] = targets.slice(cheapCount);
  return { cheap: targets.slice(0, cheapCount), last: [strong, ...fallbacks] };
}

/** Why a call must not be made twice. A response that is stored because nothing is said of it is none that anybody fetches (see `cacheability`). */
function obstacleOf({ endpoint, body }: DecodedRequest): 'hosted-tools' | 'stored' | undefined {
  if (usesHostedTools(endpoint, body)) return 'hosted-tools';
  return body['store'] === true || usesStoredConversation(endpoint, body) ? 'stored' : undefined;
}
