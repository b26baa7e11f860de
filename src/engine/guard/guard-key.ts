import type { RouteRule } from '../../core/route/route-rule.ts';

/**
 * Where a route's guard is kept. A route that is written otherwise has another state: what was certified, or feared, under other terms says nothing; and two
 * processes with two configurations do not write over each other while one is rolled out.
 * @internal
 */
export function guardKey({ name, policyVersion }: Pick<RouteRule, 'name' | 'policyVersion'>): string {
  return `route-guard/v1/${name}/${policyVersion}`;
}
