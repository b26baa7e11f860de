import type { Target } from '../model/target.ts';
import type { RouteRule } from './route-rule.ts';

/** All that a call may be sent to by a rule: its targets, its fallbacks, and those that give second answers. @internal */
export function reachableTargets({ targets, fallbacks, cascade }: RouteRule): readonly Target[] {
  const seconds = (cascade?.verify ?? []).map((check) => (check.kind === 'agree' ? check.target : undefined));
  return [...targets, ...fallbacks, ...seconds.filter((target) => target !== undefined)];
}
