import { ENDPOINTS } from '../core/model/protocol.ts';
import { NO_USAGE, usageOf } from '../core/model/usage.ts';
import { resolveRoute, type RouteTable } from '../core/route/route-table.ts';
import type { Pricer } from '../ports/pricer.ts';
import { decide, type Middleware } from './compose.ts';

/** What {@link routeMiddleware} needs. @internal */
export interface RouteOptions {
  readonly table: RouteTable;
  readonly pricer: Pricer;
}

const ONE_TOKEN = usageOf({ input: 1 });

/** Chooses the targets of a call. Refuses a model that is not known or not allowed. @internal */
export function routeMiddleware(options: RouteOptions): Middleware {
  return {
    name: 'route',
    handle(call, next) {
      const asked = call.state.request?.model ?? '';
      const plan = resolveRoute(
        options.table,
        asked,
        ENDPOINTS[call.endpoint].protocol,
        call.caller,
        call.pinnedProvider,
      );
      const usage = call.endpoint === 'count-tokens' ? NO_USAGE : ONE_TOKEN;
      const unpriced = plan.targets.find(
        (target) => options.pricer.price(target, usage, {}, call.arrivedAtMs) === undefined,
      );
      call.state.plan = plan;
      if (unpriced !== undefined && usage !== NO_USAGE) decide(call, 'route', 'unpriced');
      return next(call);
    },
  };
}
