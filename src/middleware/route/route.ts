import { ENDPOINTS } from '../../core/model/protocol.ts';
import { inputTokensOf, NO_USAGE, usageOf } from '../../core/model/usage.ts';
import { resolveRoute, type ResolvedRoute, type RouteTable } from '../../core/route/route-table.ts';
import { type TargetObservation, targetOrder } from '../../core/route/target-order.ts';
import type { Target } from '../../core/model/target.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { Pricer } from '../../ports/pricer.ts';
import { type Call, decide, type Middleware, type Outcome, type RoutePlan, type WarmTarget } from '../compose.ts';
import { storedResponseName } from './conversation-key.ts';
import { type RoutedConversation, RoutePlanner, type RoutingOptions } from './routed-plan.ts';
import { turnGain } from './session-worth.ts';

/** What {@link routeMiddleware} needs. @internal */
export interface RouteOptions {
  readonly table: RouteTable;
  readonly pricer: Pricer;
  /** What is known of a target while calls go to it, for the choice among equal ones. */
  readonly observationOf: (target: Target) => TargetObservation;
  /** Where the provider has the beginning of a call's prompt in its cache. */
  readonly warmOf: (call: Call) => Promise<WarmTarget | undefined>;
  /** Undefined: there are no routes, calls go to the model that they ask for. */
  readonly routing: RoutingOptions | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const ONE_TOKEN = usageOf({ input: 1 });

/** Chooses the targets of a call. Refuses a model that is not known or not allowed, and a route that does not exist. @internal */
export function routeMiddleware(options: RouteOptions): Middleware {
  const { routing, table } = options;
  const planner = routing === undefined ? undefined : new RoutePlanner(routing, table);
  return {
    name: 'route',
    async handle(call, next) {
      const { request } = call.state;
      const { protocol } = ENDPOINTS[call.endpoint];
      const resolved = resolveRoute(table, request?.model ?? '', protocol, call.caller, call.pinnedProvider);
      const routed = request === undefined ? undefined : await planner?.plan(call, request, resolved);
      const isRouted = routed?.plan.route?.route !== undefined && routed.plan.route.route !== '';
      const plan = isRouted ? routed.plan : await balancedPlan(call, resolved, routed?.plan, options);
      noteUnpriced(call, plan, options.pricer);
      call.state.plan = plan;
      if (plan.route !== undefined) decide(call, 'route', plan.route.reason, plan.route.route || undefined);
      const outcome = await next(call);
      if (routing !== undefined && routed?.conversation !== undefined && outcome.kind === 'complete') {
        remember(call, routed.conversation, outcome, routing);
      }
      return outcome;
    },
  };
}

/** The model asked for; among equal targets one of them. */
async function balancedPlan(
  call: Call,
  resolved: ResolvedRoute,
  unrouted: RoutePlan | undefined,
  { warmOf, random, clock, observationOf }: RouteOptions,
): Promise<RoutePlan> {
  const warm = resolved.balance === undefined ? undefined : await warmOf(call);
  const targets = targetOrder(resolved.targets, {
    balance: resolved.balance,
    observationOf,
    nowMs: clock.monotonicMs(),
    fraction: resolved.balance === undefined ? 0 : random.fraction(),
    warm: warm?.target,
  });
  return { ...(unrouted ?? resolved), targets };
}

function noteUnpriced(call: Call, plan: RoutePlan, pricer: Pricer): void {
  if (call.endpoint === 'count-tokens') return;
  const isPriced = (target: Target): boolean => pricer.price(target, ONE_TOKEN, {}, call.arrivedAtMs) !== undefined;
  if (!plan.targets.every(isPriced)) decide(call, 'route', 'unpriced');
}

/** Remembers where a conversation is, for its next turn. An answer out of the cache says nothing about that. */
function remember(
  call: Call,
  { key, strong, before }: RoutedConversation,
  { facts }: Outcome,
  routing: RoutingOptions,
): void {
  const { answer } = call.state;
  if (answer?.source !== 'provider' || answer.usage === NO_USAGE) return;
  const { sessions, worth, clock } = routing;
  const { target, usage } = answer;
  const promptTokens = inputTokensOf(usage);
  worth.turns.observe((before?.turns ?? 0) + 1);
  const gainedPicoUsd = turnGain({ target, strong, usage, before, atMs: clock.nowMs() }, worth);
  if (!key.isKeptByProvider) sessions.note(key.name, target, promptTokens, gainedPicoUsd);
  const id = call.endpoint === 'responses' ? facts?.id : undefined;
  if (id !== undefined) sessions.note(storedResponseName(call, id, routing), target, promptTokens);
}
