import type { Target } from '../model/target.ts';
import type { RouteRule } from './route-rule.ts';

/** All that a call may be sent to by a rule: its targets, its fallbacks, and those that give second answers. @internal */
export function reachableTargets(rule: Pick<RouteRule, 'targets' | 'fallbacks' | 'cascade'>): readonly Target[] {
  return [...rule.targets, ...rule.fallbacks, ...secondTargets(rule)];
}

/** Those that give second answers, where they are named. @internal */
export function secondTargets({ cascade }: Pick<RouteRule, 'cascade'>): readonly Target[] {
  const seconds = (cascade?.verify ?? []).map((check) => (check.kind === 'agree' ? check.target : undefined));
  return seconds.filter((target) => target !== undefined);
}
