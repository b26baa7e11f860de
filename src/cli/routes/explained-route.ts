import type { RouteFacts, RouteReason } from '../../core/model/route-facts.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { usageOf } from '../../core/model/usage.ts';
import type { NanoUsd } from '../../core/money.ts';
import { explainRoutes, type RuleExplanation } from '../../core/route/explain-route.ts';
import type { RouteCall } from '../../core/route/match-route.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';
import { isNeverDearer, type SessionPrices } from '../../core/route/session-move.ts';
import type { Pricer } from '../../ports/pricer.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';
import { countedInput } from '../counted-input.ts';
import type { DataOptions } from '../data-folder.ts';
import { learntCalibration } from '../learnt-calibration.ts';
import type { DryCall, DryPlan, DryRouting } from './dry-routing.ts';

/** What a call would cost at a target. */
interface TargetCost {
  readonly target: Target;
  /** Where it stands: asked first, asked next, or not for this call but for its baseline. */
  readonly role: 'first' | 'next' | 'route' | 'baseline';
  readonly inputTokens: number | undefined;
  /** Undefined: it has no price, or nothing could be counted. */
  readonly inputNanoUsd: NanoUsd | undefined;
  /** Of a thousand tokens of output; undefined: no price. */
  readonly outputNanoUsd: NanoUsd | undefined;
}

/** Where a call would go and why. @internal */
export interface ExplainedRoute {
  readonly call: RouteCall;
  readonly asked: string;
  readonly rules: readonly RuleExplanation<RouteRule>[];
  /** Undefined: no route takes it. */
  readonly facts: RouteFacts | undefined;
  readonly targets: readonly Target[];
  readonly isCascade: boolean;
  readonly baseline: Target;
  readonly costs: readonly TargetCost[];
  readonly notes: readonly string[];
}

const OUTPUT_TOKENS = 1000;

/** Thinks a call through. @throws FarthingError where it would be refused. @internal */
export async function explainedRoute(
  routing: DryRouting,
  dry: DryCall,
  options: DataOptions & { readonly certified?: boolean },
): Promise<ExplainedRoute> {
  const plan = await routing.plan(dry);
  const call = await routing.seen(plan);
  const rules = explainRoutes(routing.rules, call);
  const { route, targets, cascade, baseline } = plan.plan;
  const rule =
    routing.rules.find(({ name }) => name === route?.route) ?? rules.find(({ verdict }) => verdict === 'taken')?.rule;
  return {
    call,
    asked: plan.resolved.asked,
    rules,
    facts: route,
    targets,
    isCascade: cascade !== undefined,
    baseline,
    costs: await costsOf(routing, plan, rule, options),
    notes: [...callNotes(dry, plan, rules), ...notesOf(routing, plan, rule, options.certified === true)],
  };
}

/** Where the rules are not what decided. */
function callNotes(
  { headers }: DryCall,
  { plan }: DryPlan,
  rules: readonly RuleExplanation<RouteRule>[],
): readonly string[] {
  const named = headers['x-farthing-route'] ?? '';
  if (named !== '') return [`the call says x-farthing-route: ${named}, so that no rule is asked`];
  const taken = rules.find(({ verdict }) => verdict === 'taken')?.rule;
  if (taken === undefined || plan.route !== undefined) return [];
  return [`route ${taken.name} has no strong target that speaks the protocol of the call, or does not take such calls`];
}

async function costsOf(
  routing: DryRouting,
  { plan, request, call }: DryPlan,
  rule: RouteRule | undefined,
  options: DataOptions,
): Promise<readonly TargetCost[]> {
  const read = promptOf(request);
  const { endpoint } = request;
  const isPrompt = endpoint === 'chat' || endpoint === 'responses' || endpoint === 'messages';
  const calibration = await learntCalibration(options);
  const costs: TargetCost[] = [];
  for (const [target, role] of roles(plan.targets, rule, plan.baseline)) {
    const tokenTarget = { model: target.model, provider: routing.pricer.vendorOf(target) ?? target.provider, endpoint };
    const counted =
      read === undefined || !isPrompt
        ? undefined
        : // oxlint-disable-next-line no-await-in-loop -- a few targets, each with its own vocabulary
          await countedInput(
            { kind: endpoint, own: { endpoint, request, read, model: request.model } },
            tokenTarget,
            calibration,
          );
    const price = (usage: Parameters<typeof usageOf>[0]): NanoUsd | undefined =>
      routing.pricer.price(target, usageOf(usage), {}, call.arrivedAtMs)?.amountNanoUsd;
    costs.push({
      target,
      role,
      inputTokens: counted?.tokens,
      inputNanoUsd: counted === undefined ? undefined : price({ input: counted.tokens }),
      outputNanoUsd: price({ output: OUTPUT_TOKENS }),
    });
  }
  return costs;
}

/** Each target once, by its first role. */
function roles(
  targets: readonly Target[],
  rule: RouteRule | undefined,
  baseline: Target,
): readonly (readonly [Target, TargetCost['role']])[] {
  const all: (readonly [Target, TargetCost['role']])[] = [
    ...targets.map((target, index) => [target, index === 0 ? ('first' as const) : ('next' as const)] as const),
    ...(rule?.targets ?? []).map((target) => [target, 'route' as const] as const),
    [baseline, 'baseline'],
  ];
  const seen = new Set<string>();
  return all.filter(([target]) => !seen.has(formatTarget(target)) && seen.add(formatTarget(target)));
}

/** What a reason means. @internal */
export const REASONS: Readonly<Record<RouteReason, string>> = {
  pinned: 'the caller names a target of its own, or what only one provider keeps',
  'opted-out': 'the caller says x-farthing-route: off',
  first: "the route's first target",
  certified: 'the cheapest target that the guard has certified',
  uncertified: 'the strong target: the guard has certified no cheaper one for such calls',
  alarm: 'the strong target: the guard saw quality fall',
  score: 'by the learnt score',
  'out-of-distribution': 'the strong target: the score knows no such prompts',
  untrained: 'the strong target: the score has no threshold to go by',
  session: 'where the conversation has been',
  cascade: 'the cheap target first; its answer is checked',
  'cascade-off': 'the strong target: escalation costs more than it saves',
};

function notesOf(
  routing: DryRouting,
  { plan, request }: DryPlan,
  rule: RouteRule | undefined,
  isAssumed: boolean,
): readonly string[] {
  const notes: string[] = [];
  const inactive = new Set(routing.config.providers.filter(({ isActive }) => !isActive).map(({ name }) => name));
  for (const target of plan.targets) {
    if (inactive.has(target.provider))
      notes.push(`provider ${target.provider} has no key here; it is taken to have one where calls go`);
  }
  if (plan.route === undefined || rule === undefined) return [...new Set(notes)];
  if (rule.quality !== undefined && isAssumed)
    notes.push('it is assumed that the guard has certified the cheapest target');
  if (rule.quality !== undefined && !isAssumed)
    notes.push('what the guard has certified, and on what evidence: farthing routes status');
  if (rule.cascade !== undefined)
    notes.push('how often a cascade escalates shows with answers only; while that costs more than it saves it is off');
  if (rule.sticky && rule.cascade === undefined && rule.targets.length > 1) {
    notes.push('a conversation that is under way stays where it is while moving would cost more than it saves');
    notes.push(...dearerNotes(routing, rule, request.text.length));
  }
  return [...new Set(notes)];
}

/** Targets that cost more than the strong one once a conversation is long: nothing holds a conversation that begins there below that. */
function dearerNotes({ pricer }: DryRouting, { targets }: RouteRule, chars: number): readonly string[] {
  const strong = targets.at(-1) ?? targets[0];
  const [best, fromTokens] = cachedAt(pricer, strong, chars);
  return targets.slice(0, -1).flatMap((target) => {
    const [prices, targetFromTokens] = cachedAt(pricer, target, chars);
    if (best === undefined || prices === undefined) return [];
    const names = `${formatTarget(target)} can cost more than ${formatTarget(strong)}`;
    if (!isNeverDearer(prices, best)) return [`${names} in a long conversation: compare what cached input costs`];
    if (targetFromTokens <= fromTokens || prices.fresh <= best.cacheRead) return [];
    return [`${names} in a conversation below ${targetFromTokens} tokens, since it caches none of them`];
  });
}

/** What a target's prices are, and from how many tokens on it caches a prompt. */
function cachedAt(pricer: Pricer, target: Target, chars: number): readonly [SessionPrices | undefined, number] {
  // Four characters a token are near enough to tell which tier of prices holds.
  const prices = pricer.sessionPrices(target, Math.ceil(chars / 4), Date.now());
  return [prices, pricer.promptCache(target)?.minimumTokens ?? Infinity];
}
