import type { RouteFacts } from '../model/route-facts.ts';

/** What a route's cascade is called: its answers are cached, and what it costs is learnt, under this. A route that is written anew has a new one. @internal */
export function cascadeName({ route, policyVersion }: Pick<RouteFacts, 'route' | 'policyVersion'>): string {
  return `${route}@${policyVersion}`;
}
