import { ENDPOINTS } from '../core/model/protocol.ts';
import { NO_USAGE, usageOf } from '../core/model/usage.ts';
import { resolveRoute, type RouteTable } from '../core/route/route-table.ts';
import { type TargetObservation, targetOrder } from '../core/route/target-order.ts';
import type { Target } from '../core/model/target.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Pricer } from '../ports/pricer.ts';
import { type Call, decide, type Middleware, type WarmTarget } from './compose.ts';

/** What {@link routeMiddleware} needs. @internal */
export interface RouteOptions {
  readonly table: RouteTable;
  readonly pricer: Pricer;
  /** What is known of a target while calls go to it, for the choice among equal ones. */
  readonly observationOf: (target: Target) => TargetObservation;
  /** Where the provider has the beginning of a call's prompt in its cache. */
  readonly warmOf: (call: Call) => Promise<WarmTarget | undefined>;
  readonly clock: Clock;
  readonly random: Random;
}

const ONE_TOKEN = usageOf({ input: 1 });

/** Chooses the targets of a call. Refuses a model that is not known or not allowed. @internal */
export function routeMiddleware(options: RouteOptions): Middleware {
  return {
    name: 'route',
    async handle(call, next) {
      const asked = call.state.request?.model ?? '';
      const resolved = resolveRoute(
        options.table,
        asked,
        ENDPOINTS[call.endpoint].protocol,
        call.caller,
        call.pinnedProvider,
      );
      const { random, clock, observationOf } = options;
      const warm = resolved.balance === undefined ? undefined : await options.warmOf(call);
      const [first, ...others] = targetOrder(resolved.targets, {
        balance: resolved.balance,
        observationOf,
        nowMs: clock.monotonicMs(),
        fraction: resolved.balance === undefined ? 0 : random.fraction(),
        warm: warm?.target,
      });
      const plan = { ...resolved, targets: [first, ...others] as const };
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
