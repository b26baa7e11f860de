import { formatTarget, type Target } from '../../core/model/target.ts';
import type { RouteRule } from '../../core/route/route-rule.ts';

/** What a cascade is called as a candidate: its targets are certified together. @internal */
export const CASCADE_CANDIDATE = 'cascade';

/** What may answer in the place of a route's strong target once it is certified. @internal */
export interface RouteCandidate {
  /** `provider/model`, or {@link CASCADE_CANDIDATE}. */
  readonly name: string;
  /** One; of a cascade all that are asked before the strong one, in order. */
  readonly targets: readonly Target[];
}

/** The candidates of a route, the cheapest first; none where it has one target only. @internal */
export function routeCandidates(route: Pick<RouteRule, 'targets' | 'cascade'>): readonly RouteCandidate[] {
  const cheaper = route.targets.slice(0, -1);
  if (route.cascade === undefined) return cheaper.map((target) => ({ name: formatTarget(target), targets: [target] }));
  return cheaper.length === 0 ? [] : [{ name: CASCADE_CANDIDATE, targets: cheaper }];
}

/** The target that the others are held against. @internal */
export function strongTarget({ targets }: Pick<RouteRule, 'targets'>): Target {
  return targets.at(-1) ?? targets[0];
}
