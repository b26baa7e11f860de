import { FarthingError } from '../../core/errors.ts';
import { ENDPOINTS, type Endpoint } from '../../core/model/protocol.ts';
import type { RouteFacts } from '../../core/model/route-facts.ts';
import { formatTarget, parseTarget, type Target } from '../../core/model/target.ts';
import { cascadeName } from '../../core/route/cascade-name.ts';
import { keptChoice } from '../../core/route/kept-choice.ts';
import { matchRoute } from '../../core/route/match-route.ts';
import { reachableTargets, secondTargets } from '../../core/route/reachable-targets.ts';
import {
  placedChoice,
  placeOf,
  type QualityStanding,
  routeChoice,
  type RouteChoice,
  type RouteChoiceInputs,
  toldScore,
} from '../../core/route/route-choice.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';
import type { ResolvedRoute, RouteTable } from '../../core/route/route-table.ts';
import { turnTokens } from '../../core/route/turn-tokens.ts';
import { usesTags } from '../../core/route/uses-tags.ts';
import type { ScoreModel } from '../../core/score/score-model.ts';
import type { ScoreVerdict } from '../../core/score/score-of.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { namedIds } from '../../wire/named-ids.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';
import { unsampledReason } from '../../wire/unsampled-reason.ts';
import type { Call, RoutePlan } from '../compose.ts';
import { conversationKey, type ConversationKey, type ConversationNames } from './conversation-key.ts';
import { countsTokens, routeCall, type RouteCallOptions, userText } from './route-call.ts';
import type { SessionTarget, SessionTargets } from './session-targets.ts';
import { isMoveWorth, type SessionWorth } from './session-worth.ts';

/** What routes are decided with. @internal */
export interface RoutingOptions extends RouteCallOptions, ConversationNames {
  readonly rules: readonly RouteRule[];
  /** What the guard says of a route with quality to keep. */
  readonly standingOf: (route: string) => QualityStanding;
  readonly cascades: { isOn(route: string): boolean; mayProbe(fraction: number): boolean };
  /** @param category - what the call is tagged with, where the score learnt from such a tag. */
  readonly scoreOf: (model: ScoreModel, text: string, category: string | undefined) => ScoreVerdict;
  readonly sessions: SessionTargets;
  readonly worth: SessionWorth;
  readonly clock: Clock;
  readonly random: Random;
}

/** A conversation whose target is remembered. @internal */
export interface RoutedConversation {
  readonly key: ConversationKey;
  /** The route's last target. */
  readonly strong: Target;
  /** Where it was before; undefined: it has just begun, or nobody knows. */
  readonly before: SessionTarget | undefined;
}

/** A plan by a route, with what is remembered of it. @internal */
export interface RoutedPlan {
  readonly plan: RoutePlan;
  /** The conversation whose target is to be remembered; undefined: none is. */
  readonly conversation: RoutedConversation | undefined;
}

const HEADER = 'x-farthing-route';
const ROUTE_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** Calls of these are routed where a rule names them only: another model's vectors are no replacement, and counting is free. */
const ONLY_IF_NAMED: ReadonlySet<Endpoint> = new Set(['embeddings', 'count-tokens']);

/**
 * Plans calls by routes: pins first (the caller's own target, `x-farthing-route: off` or a name), then the first rule that matches, then what the guard,
 * a score or the conversation say within it.
 * @internal
 */
export class RoutePlanner {
  readonly #options: RoutingOptions;
  readonly #table: RouteTable;
  readonly #byEndpoint = new Map<Endpoint, readonly RouteRule[]>();
  readonly #usesTags: boolean;
  readonly #countsTokens: boolean;

  constructor(options: RoutingOptions, table: RouteTable) {
    this.#options = options;
    this.#table = table;
    this.#usesTags = options.rules.some(usesTags);
    this.#countsTokens = options.rules.some(({ match }) => countsTokens(match));
  }

  /**
   * The plan of a call.
   * @throws FarthingError `invalid-request` for a route that does not exist, `forbidden` for one that leads where the key may not go.
   */
  async plan(call: Call, request: DecodedRequest, resolved: ResolvedRoute): Promise<RoutedPlan> {
    const unrouted: RoutedPlan = { plan: { ...resolved, isVolatile: this.#usesTags }, conversation: undefined };
    const header = call.headers[HEADER];
    if (header === 'off') return { ...unrouted, plan: { ...unrouted.plan, route: aside('opted-out') } };
    const rule =
      header === undefined || header === '' ? await this.#matching(call, request, resolved) : this.#named(header, call);
    if (rule === undefined) return unrouted;
    const inputs = this.#inputs(call, request, rule);
    if (inputs === undefined) return unrouted;
    const key = conversationKey(call, request, this.#options);
    const isPinned = this.#isPinned(call, resolved, rule, header) || (!key.isKeptByProvider && namesIds(request));
    if (isPinned) return { ...unrouted, plan: { ...unrouted.plan, route: aside('pinned') } };
    const before = await this.#before(rule, key);
    const choice = this.#placed(request, rule, inputs, key, before);
    if (choice === undefined) return { ...unrouted, plan: { ...unrouted.plan, route: aside('pinned') } };
    const strong = rule.targets.at(-1) ?? rule.targets[0];
    return {
      plan: this.#planOf(resolved, rule, choice, inputs.targets.length),
      conversation: isSticky(rule) || request.endpoint === 'responses' ? { key, strong, before } : undefined,
    };
  }

  async #matching(call: Call, request: DecodedRequest, resolved: ResolvedRoute): Promise<RouteRule | undefined> {
    const rules = this.#rulesFor(call.endpoint);
    if (rules.length === 0) return undefined;
    return matchRoute(rules, await routeCall(call, request, resolved.baseline, this.#countsTokens, this.#options));
  }

  #rulesFor(endpoint: Endpoint): readonly RouteRule[] {
    const known = this.#byEndpoint.get(endpoint);
    if (known !== undefined) return known;
    const rules = this.#options.rules.filter((rule) => mayTake(rule, endpoint));
    this.#byEndpoint.set(endpoint, rules);
    return rules;
  }

  /** The route that the caller names. It must not lead a key beyond the models that it may ask for. */
  #named(name: string, { caller, endpoint }: Call): RouteRule {
    const rule = this.#options.rules.find((each) => each.name === name);
    if (rule === undefined || !mayTake(rule, endpoint)) {
      const shown = ROUTE_NAME.test(name) ? ` "${name}"` : '';
      throw new FarthingError('invalid-request', `there is no route${shown} for this endpoint`, { param: HEADER });
    }
    const allowed = caller.allowedModels;
    if (allowed === undefined || reachableTargets(rule).every((target) => allowed.includes(formatTarget(target))))
      return rule;
    throw new FarthingError('forbidden', `this key may not ask for all that the route "${name}" may ask`, {
      param: HEADER,
    });
  }

  /** The route's targets that can be asked in the call's protocol. Undefined: its strong one cannot, or none of the cheaper ones. */
  #inputs(call: Call, request: DecodedRequest, rule: RouteRule): RouteChoiceInputs | undefined {
    const { standingOf, cascades, random } = this.#options;
    const { protocol } = ENDPOINTS[call.endpoint];
    const canAnswer = ({ provider }: Target): boolean => this.#table.providers.get(provider)?.protocol === protocol;
    const [first, ...others] = rule.targets.filter(canAnswer);
    const strong = rule.targets.at(-1);
    if (first === undefined || strong === undefined || !canAnswer(strong)) return undefined;
    return {
      targets: [first, ...others],
      fallbacks: rule.fallbacks.filter(canAnswer),
      standing: rule.quality === undefined ? undefined : standingOf(rule.name),
      isSampled: rule.quality === undefined || unsampledReason(request) === undefined,
      score: this.#scored(call, request, rule),
      scoreThreshold: rule.score && (rule.score.threshold ?? rule.score.model.certified?.threshold),
      // Answers that nothing can be held against would all be asked for in vain.
      isCascadeOn:
        rule.cascade !== undefined &&
        secondTargets(rule).every(canAnswer) &&
        (cascades.isOn(nameOf(rule)) || cascades.mayProbe(random.fraction())),
    };
  }

  #scored({ state }: Call, request: DecodedRequest, { score }: RouteRule): ScoreVerdict | undefined {
    if (score === undefined) return undefined;
    const { categoryTag } = score.model;
    return this.#options.scoreOf(
      score.model,
      userText(request),
      categoryTag === null ? undefined : state.tags[categoryTag],
    );
  }

  /** Whether the caller wrote where the call is to go, and no rule is for just that. */
  #isPinned(call: Call, { asked }: ResolvedRoute, rule: RouteRule, header: string | undefined): boolean {
    if (header !== undefined && header !== '') return false;
    if (call.pinnedProvider !== undefined || this.#table.aliases.has(asked)) return false;
    const target = parseTarget(asked);
    const isExplicit = target !== undefined && this.#table.providers.has(target.provider);
    return isExplicit && rule.match.models?.includes(asked) !== true;
  }

  /** Where the conversation has been. */
  #before(rule: RouteRule, key: ConversationKey): Promise<SessionTarget | undefined> {
    const isAsked = key.isKeptByProvider || (isSticky(rule) && key.mayBeKnown);
    return isAsked ? this.#options.sessions.find(key.name) : Promise.resolve(undefined);
  }

  /** The choice, or where the conversation has been. Undefined: the provider keeps a conversation that nobody remembers. */
  #placed(
    request: DecodedRequest,
    rule: RouteRule,
    inputs: RouteChoiceInputs,
    key: ConversationKey,
    found: SessionTarget | undefined,
  ): RouteChoice | undefined {
    const choice = routeChoice(rule, inputs);
    if (key.isKeptByProvider) return found && keptChoice(rule, inputs, found.target, choice);
    if (found === undefined) return choice;
    const place = placeOf(found.target, inputs.targets);
    if (place === -1) return choice;
    const [chosen] = choice.targets;
    if (formatTarget(chosen) === formatTarget(found.target)) return choice;
    const staying = placedChoice(rule, inputs, place, { reason: 'session', ...toldScore(inputs) });
    // Quality goes before money: what is certified for this call is what was chosen, and a dearer target only while it is the strong one.
    if (inputs.standing !== undefined && place < inputs.targets.length - 1) return choice;
    const { worth, clock } = this.#options;
    const strong = inputs.targets.at(-1) ?? chosen;
    const prompt = promptOf(request)?.prompt;
    const grown = prompt === undefined ? 0 : turnTokens(prompt);
    const question = { session: found, to: chosen, strong, turnTokens: grown, nowMs: clock.nowMs() };
    return isMoveWorth(question, worth) ? choice : staying;
  }

  #planOf(
    resolved: ResolvedRoute,
    rule: RouteRule,
    { targets, facts, isCascade }: RouteChoice,
    length: number,
  ): RoutePlan {
    const { cascade, quality, sticky } = rule;
    return {
      asked: resolved.asked,
      baseline: resolved.baseline,
      targets,
      route: facts,
      ...(isCascade && cascade !== undefined
        ? { cascade: { name: nameOf(rule), verify: cascade.verify, length } }
        : {}),
      isVolatile:
        this.#usesTags || quality !== undefined || cascade !== undefined || (sticky && rule.targets.length > 1),
    };
  }
}

/** A cascade asks its first target each time: that is where its conversations are warm. */
function isSticky({ sticky, cascade }: RouteRule): boolean {
  return sticky && cascade === undefined;
}

function nameOf({ name, policyVersion }: RouteRule): string {
  return cascadeName({ route: name, policyVersion });
}

function mayTake({ match, quality, score, cascade }: RouteRule, endpoint: Endpoint): boolean {
  if (!ONLY_IF_NAMED.has(endpoint)) return true;
  const isPlain = quality === undefined && score === undefined && cascade === undefined;
  return isPlain && match.endpoints?.includes(endpoint) === true;
}

/** What a provider keeps under an id, another one does not have. */
function namesIds(request: DecodedRequest): boolean {
  return namedIds(request.body).length > 0;
}

function aside(reason: 'pinned' | 'opted-out'): RouteFacts {
  return { route: '', reason, policyVersion: '' };
}
