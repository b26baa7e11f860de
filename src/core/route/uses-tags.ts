import type { RouteRule } from './route-rule.ts';

/** Whether it depends on a call's tags where a rule sends it, which its bytes do not tell. @internal */
export function usesTags({ match, score }: RouteRule): boolean {
  return match.tags !== undefined || (score !== undefined && score.model.categoryTag !== null);
}
