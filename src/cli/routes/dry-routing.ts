import { readFileSync } from 'node:fs';
import type { Config, ProviderConfig } from '../../config/config.ts';
import type { Caller, Tags } from '../../core/model/caller.ts';
import { ENDPOINTS, type Endpoint } from '../../core/model/protocol.ts';
import type { Target } from '../../core/model/target.ts';
import { inputTokensOf, type Usage } from '../../core/model/usage.ts';
import { TurnsToCome } from '../../core/prefix/turns-to-come.ts';
import type { QualityStanding } from '../../core/route/route-choice.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';
import { resolveRoute, type ResolvedRoute, type RouteTable } from '../../core/route/route-table.ts';
import { scoreOf } from '../../core/score/score-of.ts';
import { bodyTags } from '../../core/tags.ts';
import { bookPricer } from '../../engine/book-pricer.ts';
import { openLanguageOf } from '../../engine/language-of.ts';
import { conversationName } from '../../engine/optimizer/conversation-name.ts';
import { routeRules } from '../../engine/routes/route-rules.ts';
import { shortHash } from '../../engine/short-hash.ts';
import { systemClock, systemRandom } from '../../engine/system-ports.ts';
import { routeTableOf } from '../../gateway/build-engine.ts';
import { type Call, newCallState, type ReplyReceiver } from '../../middleware/compose.ts';
import { tagsOf } from '../../middleware/identify.ts';
import { routeCall } from '../../middleware/route/route-call.ts';
import { type RoutedPlan, RoutePlanner, type RoutingOptions } from '../../middleware/route/routed-plan.ts';
import { SessionTargets } from '../../middleware/route/session-targets.ts';
import { turnGain } from '../../middleware/route/session-worth.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Pricer } from '../../ports/pricer.ts';
import { MemoryStateStore } from '../../stores/memory/memory-state-store.ts';
import { loadTokenizer } from '../../tokenizers/load-tokenizer.ts';
import type { RouteCall } from '../../core/route/match-route.ts';
import { decodeRequest } from '../../wire/decode-request.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { commandSettings } from '../command-storage.ts';
import type { DataOptions } from '../data-folder.ts';
import { openStates } from '../open-states.ts';
import { effectiveBook } from '../prices-command.ts';

/** A call that is only thought through. @internal */
export interface DryCall {
  readonly endpoint: Endpoint;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Beside those that body and headers say. */
  readonly tags: Tags;
  readonly project: string;
  readonly atMs: number;
}

/** Where it would go. @internal */
export interface DryPlan extends RoutedPlan {
  readonly call: Call;
  readonly request: DecodedRequest;
  readonly resolved: ResolvedRoute;
}

/** What {@link DryRouting.open} may be told. @internal */
export interface DryRoutingOptions extends DataOptions {
  /** Routes as if the guard had certified the cheapest target of each. */
  readonly certified?: boolean;
}

const NOBODY: ReplyReceiver = {
  head: () => undefined,
  frames: () => true,
  drained: () => Promise.resolve(),
  end: () => undefined,
  fail: () => undefined,
};

const CERTIFIED: QualityStanding = {
  certifiedIndex: 0,
  threshold: undefined,
  isAlarmed: false,
  calibration: 'assumed',
};

/**
 * Decides as a gateway of a configuration would, and asks nobody. All providers count as active, with a key here or not; cascades count as worth their
 * money; conversations are those of the calls that were thought through before.
 * @internal
 */
export class DryRouting {
  readonly config: Config;
  readonly rules: readonly RouteRule[];
  readonly pricer: Pricer;
  readonly #table: RouteTable;
  readonly #options: RoutingOptions;
  readonly #planner: RoutePlanner;
  readonly #clock: MovedClock;
  #calls = 0;

  private constructor(parts: {
    config: Config;
    rules: readonly RouteRule[];
    pricer: Pricer;
    options: RoutingOptions;
    clock: MovedClock;
  }) {
    const { config, rules, pricer, options, clock } = parts;
    this.config = config;
    this.rules = rules;
    this.pricer = pricer;
    this.#options = options;
    this.#clock = clock;
    this.#table = routeTableOf({ ...config, providers: config.providers.map(active) });
    this.#planner = new RoutePlanner(options, this.#table);
  }

  /** @throws FarthingError `configuration` @internal */
  static async open(options: DryRoutingOptions): Promise<DryRouting> {
    const { config } = await commandSettings(options);
    const rules = routeRules(config.routes, (path) => readFileSync(path, 'utf8'));
    const vendors = new Map(config.providers.map(({ name, vendor }) => [name, vendor]));
    const pricer = bookPricer(await effectiveBook(options.config), vendors);
    const clock = new MovedClock();
    const isGuarded = rules.some(({ quality }) => quality !== undefined);
    const standingOf =
      isGuarded && options.certified !== true ? await storedStandings(rules, options) : () => CERTIFIED;
    const namesLanguage = rules.some(({ match }) => match.languages !== undefined);
    const routing: RoutingOptions = {
      rules,
      standingOf,
      cascades: { isOn: () => true, mayProbe: () => false },
      scoreOf,
      sessions: new SessionTargets({
        store: new MemoryStateStore({ clock }),
        isShared: false,
        clock,
        events: { emit: () => undefined },
      }),
      worth: { pricer, turns: new TurnsToCome() },
      conversationOf: (call) => conversationName(call, shortHash),
      hash: shortHash,
      tokenizerOf: loadTokenizer,
      vendorOf: (target) => pricer.vendorOf(target),
      languageOf: namesLanguage ? await openLanguageOf() : undefined,
      clock,
      random: systemRandom,
    };
    return new DryRouting({ config, rules, pricer, options: routing, clock });
  }

  /**
   * Where a call would go.
   * @throws FarthingError where the call would be refused.
   */
  async plan(dry: DryCall): Promise<DryPlan> {
    const { endpoint, body, atMs } = dry;
    this.#clock.moveTo(atMs);
    this.#calls += 1;
    const request = decodeRequest(endpoint, body);
    const call = callOf(dry, request, `dry-${this.#calls}`);
    const resolved = resolveRoute(this.#table, request.model, ENDPOINTS[endpoint].protocol, call.caller);
    return { ...(await this.#planner.plan(call, request, resolved)), call, request, resolved };
  }

  /** The call as rules see it. */
  seen({ call, request, resolved }: DryPlan): Promise<RouteCall> {
    return routeCall(call, request, resolved.baseline, true, this.#options);
  }

  /** Takes note that a call was answered, so that its conversation's next one finds it. */
  note({ conversation }: DryPlan, target: Target, usage: Usage): void {
    if (conversation === undefined) return;
    const { key, strong, before } = conversation;
    const { worth, sessions } = this.#options;
    worth.turns.observe((before?.turns ?? 0) + 1);
    const gained = turnGain({ target, strong, usage, before, atMs: this.#clock.nowMs() }, worth);
    sessions.note(key.name, target, inputTokensOf(usage), gained);
  }
}

/** The time at which calls were made. */
class MovedClock implements Clock {
  #nowMs = 0;

  moveTo(atMs: number): void {
    // Lines of several processes may be out of order by a moment.
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }
}

function active(provider: ProviderConfig): ProviderConfig {
  return { ...provider, isActive: true };
}

function callOf({ endpoint, body, headers, tags, project, atMs }: DryCall, request: DecodedRequest, id: string): Call {
  const caller: Caller = { project, keyId: 'local' };
  const state = newCallState();
  state.request = request;
  state.tags = { ...tagsOf({ headers, caller }, bodyTags(request.body)), ...tags };
  return {
    id,
    kind: 'call',
    isOwn: false,
    arrivedAtMs: atMs,
    arrivedAt: 0,
    endpoint,
    body,
    query: '',
    headers,
    caller,
    signal: new AbortController().signal,
    credentials: undefined,
    pinnedProvider: undefined,
    receiver: NOBODY,
    state,
  };
}

/** What gateways have certified so far, where they keep it. */
async function storedStandings(
  rules: readonly RouteRule[],
  options: DataOptions,
): Promise<(route: string) => QualityStanding> {
  const { GuardBook } = await import('../../engine/guard/guard-book.ts');
  const opened = await openStates(options);
  try {
    const events = { emit: () => undefined };
    const book = new GuardBook({ routes: rules, store: opened?.store, clock: systemClock, events });
    await book.load();
    // From memory from here on.
    return (route) => book.standing(route);
  } finally {
    await opened?.close();
  }
}
