import type { GuardEvent, GuardSample } from '../../core/guard/guard-state.ts';
import type { NanoUsd } from '../../core/money.ts';
import type { QualityStanding } from '../../core/route/route-choice.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { MemoryStateStore } from '../../stores/memory/memory-state-store.ts';
import { outageTeller } from '../asked-store.ts';
import { guardKey } from './guard-key.ts';
import { guardPlanOf } from './guard-plan-of.ts';
import { qualityStanding, UNCERTIFIED } from './quality-standing.ts';
import { routeStatus, type RouteStatus } from './route-status.ts';
import { SharedGuard } from './shared-guard.ts';

/** What a {@link GuardBook} is made of. @public */
export interface GuardBookOptions {
  /** Those without quality to keep, or without a cheaper target, are passed over. */
  readonly routes: readonly RouteRule[];
  /** Shared by all processes of one gateway. It stays open. @defaultValue what is learnt ends with this process */
  readonly store?: StateStore | undefined;
  readonly clock: Clock;
  /** Told of certificates and alarms, and of a store that fails once in each outage. */
  readonly events: EventSink;
}

/** For how long a start waits for what is stored, in milliseconds, as for all that is learnt. */
const LOAD_PATIENCE_MS = 250;

/** A route and its guard. */
interface GuardedRoute {
  readonly route: RouteRule;
  readonly guard: SharedGuard;
}

/**
 * What the guard knows of all routes whose quality is to be held. Certificates are shared through the store: what one process has learnt, others go by a
 * second later. While the store cannot be asked, what was known last stands: this process goes on sampling, and an alarm that it raises itself holds at
 * once. Before a route's state was read for the first time, and for a route that is not known, nothing is certified.
 * @example
 * ```ts
 * const guard = new GuardBook({ routes, store, clock, events });
 * await guard.load();
 * guard.standing('chat').certifiedIndex; // undefined: ask the strong target
 * await guard.close();
 * ```
 * @public
 */
export class GuardBook {
  readonly #guards: ReadonlyMap<string, GuardedRoute>;
  readonly #events: EventSink;

  constructor({ routes, store, clock, events }: GuardBookOptions) {
    this.#events = events;
    const onAnswer = outageTeller(events);
    const shared = { store: store ?? new MemoryStateStore({ clock }), clock, events };
    this.#guards = new Map(
      routes.flatMap((route) => {
        const plan = guardPlanOf(route);
        if (plan === undefined) return [];
        const guard = new SharedGuard({
          ...shared,
          key: guardKey(route),
          plan,
          onEvent: (event) => this.#tell(route.name, event),
          onAnswer,
        });
        return [[route.name, { route, guard }] as const];
      }),
    );
  }

  /**
   * Takes over what is stored, whatever the store does.
   * @param patienceMs - for how long it is waited for. What comes later is taken as well. @defaultValue 250: the first call of a gateway must not wait
   */
  async load(patienceMs: number = LOAD_PATIENCE_MS): Promise<void> {
    await Promise.all(Array.from(this.#guards.values(), ({ guard }) => guard.load(patienceMs)));
  }

  /** How a route stands, from memory. Never throws. */
  standing(name: string): QualityStanding {
    const guard = this.#guards.get(name)?.guard;
    if (guard === undefined) return UNCERTIFIED;
    const state = guard.state();
    return guard.isLoaded ? qualityStanding(state) : UNCERTIFIED;
  }

  /**
   * Counts a judged sample; returns at once.
   * @param id - names the sample among all that ever are: one that is brought twice is counted once.
   */
  observe(name: string, id: string, sample: GuardSample): void {
    this.#guards.get(name)?.guard.observe(id, sample);
  }

  /** Counts money that was spent on a route and of which no sample came; `id` as for samples. */
  spent(name: string, id: string, costNanoUsd: NanoUsd): void {
    this.#guards.get(name)?.guard.spent(id, costNanoUsd);
  }

  /** All guarded routes, for reports. */
  statuses(): readonly RouteStatus[] {
    return Array.from(this.#guards.values(), ({ route, guard }) => routeStatus(route, guard.state(), guard.isLoaded));
  }

  /** Writes what was not written yet, for at most two seconds. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#guards.values(), ({ guard }) => guard.close()));
  }

  #tell(route: string, { kind, candidate, meanLoss, samples }: GuardEvent): void {
    this.#events.emit({ kind: `route-${kind}`, route, target: candidate, meanLoss, samples });
  }
}
