import type { RouteRule } from '../core/route/route-rule.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { EngineOptions } from '../engine/engine-options.ts';
import type { Engine } from '../engine/engine-request.ts';
import type { GuardBook } from '../engine/guard/guard-book.ts';
import { validateBySchema } from '../engine/schema-validator.ts';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import type { EventSink } from '../ports/event-sink.ts';
import { JudgedLog } from './judged-log.ts';
import { ShadowSampler } from './shadow-samples.ts';

/** An engine's options, with where judged pairs are written. @public */
export interface GuardedEngineOptions extends Omit<EngineOptions, 'onRouted'> {
  /** The file to which judged pairs of a route are added, with their prompts. @defaultValue none is written */
  readonly judgedLogPathOf?: (route: string) => string | undefined;
}

/**
 * Makes an engine whose routes are watched: a share of their calls is answered twice and judged, and what comes of it decides which targets may answer.
 * Closing it lets go of the routes' guard, too.
 * @public
 */
export function guardedEngine({ judgedLogPathOf, ...options }: GuardedEngineOptions): Engine {
  const { routes } = options;
  const guard = routes?.guard;
  return guard === undefined ? createEngine(options) : watched(options, guard, judgedLogPathOf ?? (() => undefined));
}

function watched(
  options: EngineOptions,
  guard: GuardBook,
  pathOf: NonNullable<GuardedEngineOptions['judgedLogPathOf']>,
): Engine {
  const events: EventSink = options.events ?? { emit: () => undefined };
  const logs = judgedLogs(options.routes?.rules ?? [], events, pathOf);
  const engine = createEngine({ ...options, onRouted: (call) => sampler.take(call) });
  const protocols = new Map(options.providers.map(({ provider }) => [provider.name, provider.protocol]));
  const sampler: ShadowSampler = new ShadowSampler({
    engine,
    guard,
    protocolOf: (provider) => protocols.get(provider),
    validate: validateBySchema,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    events,
    logOf: (route) => logs.get(route),
    requestLimits: options.requestLimits,
  });
  return {
    handle: (request, sink) => engine.handle(request, sink),
    callRecord: (callId, project) => engine.callRecord(callId, project),
    settleDeferred: (call, end) => engine.settleDeferred(call, end),
    isHeldWhole: (callId) => engine.isHeldWhole(callId),
    publish: (record) => engine.publish(record),
    inFlight: () => engine.inFlight(),
    unwrittenCharges: () => engine.unwrittenCharges(),
    close: async () => {
      try {
        await sampler.close();
        await engine.close();
      } finally {
        await Promise.all([guard.close(), ...Array.from(logs.values(), (log) => log.close())]);
      }
    },
  };
}

function judgedLogs(
  rules: readonly RouteRule[],
  events: EventSink,
  pathOf: (route: string) => string | undefined,
): ReadonlyMap<string, JudgedLog> {
  return new Map(
    rules.flatMap(({ name }) => {
      const path = pathOf(name);
      return path === undefined ? [] : [[name, new JudgedLog({ path, events })] as const];
    }),
  );
}
