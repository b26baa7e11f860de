import { formatTarget, type Target } from '../model/target.ts';
import { placedChoice, placeOf, type RouteChoice, type RouteChoiceInputs, toldScore } from './route-choice.ts';
import type { RouteRule } from './route-rule.ts';

/**
 * Where a conversation goes on that a provider keeps: at the target that has it. A cascade's goes to the strong target where the same provider has that one,
 * since it cannot be asked twice.
 * @param keeper - the target that answered last.
 * @param choice - what the route would choose for a new conversation.
 * @returns undefined: the route leads there no more.
 * @internal
 */
export function keptChoice(
  rule: RouteRule,
  inputs: RouteChoiceInputs,
  keeper: Target,
  choice: RouteChoice,
): RouteChoice | undefined {
  const measured = { reason: 'session' as const, ...toldScore(inputs) };
  const place = placeOf(keeper, inputs.targets);
  if (place === -1) {
    if (placeOf(keeper, inputs.fallbacks) === -1) return undefined;
    const { facts } = placedChoice(rule, inputs, 0, measured);
    return { targets: [keeper], facts, isCascade: false };
  }
  const isChosen = formatTarget(choice.targets[0]) === formatTarget(keeper);
  const isWithStrong = inputs.targets.at(-1)?.provider === keeper.provider;
  return isChosen && (!choice.isCascade || isWithStrong) ? choice : placedChoice(rule, inputs, place, measured);
}
