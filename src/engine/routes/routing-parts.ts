import { TurnsToCome } from '../../core/prefix/turns-to-come.ts';
import { scoreOf } from '../../core/score/score-of.ts';
import type { Call } from '../../middleware/compose.ts';
import type { RoutingOptions } from '../../middleware/route/routed-plan.ts';
import { SessionTargets } from '../../middleware/route/session-targets.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { MemoryStateStore } from '../../stores/memory/memory-state-store.ts';
import { UNCERTIFIED } from '../guard/quality-standing.ts';
import { conversationName } from '../optimizer/conversation-name.ts';
import { shortHash } from '../short-hash.ts';
import type { Routes } from './open-routes.ts';

/** What routing in an engine works with. @internal */
export interface RoutingPorts {
  readonly states: StateStore | undefined;
  readonly cascades: RoutingOptions['cascades'];
  readonly pricer: Pricer;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly tokenizerOf: RoutingOptions['tokenizerOf'];
}

/** What calls are routed with; undefined without routes. @internal */
export function routingParts(routes: Routes | undefined, ports: RoutingPorts): RoutingOptions | undefined {
  if (routes === undefined) return undefined;
  const { states, cascades, pricer, clock, random, events, tokenizerOf } = ports;
  const store = states ?? new MemoryStateStore({ clock });
  return {
    rules: routes.rules,
    standingOf: (route) => routes.guard?.standing(route) ?? UNCERTIFIED,
    cascades,
    scoreOf,
    sessions: new SessionTargets({ store, isShared: states !== undefined, clock, events }),
    worth: { pricer, turns: new TurnsToCome() },
    conversationOf: (call: Call) => conversationName(call, shortHash),
    hash: shortHash,
    tokenizerOf,
    vendorOf: (target) => pricer.vendorOf(target),
    languageOf: routes.languageOf,
    clock,
    random,
  };
}
