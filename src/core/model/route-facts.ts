/**
 * Why a call went where it went.
 *
 * - `pinned`: the caller named the target, or a program pinned the provider.
 * - `opted-out`: the caller said `x-farthing-route: off`.
 * - `first`: the route's first target, for which the operator vouches.
 * - `certified`: the cheapest target that the guard has certified.
 * - `uncertified`: the strong target, as none is certified yet, or as such calls are never sampled, so that no certificate speaks for them.
 * - `alarm`: the strong target, since the guard saw quality fall.
 * - `score`: by the learnt score; the strong target where it is above the threshold.
 * - `out-of-distribution`: the strong target, as the score knows no such prompts.
 * - `untrained`: the strong target, as the score has no threshold to go by.
 * - `session`: where the conversation has been.
 * - `cascade`: a cheap answer that is checked.
 * - `cascade-off`: the strong target, since escalation costs more than it saves.
 *
 * @public
 */
export type RouteReason =
  | 'pinned'
  | 'opted-out'
  | 'first'
  | 'certified'
  | 'uncertified'
  | 'alarm'
  | 'score'
  | 'out-of-distribution'
  | 'untrained'
  | 'session'
  | 'cascade'
  | 'cascade-off';

/** What routing decided about a call. @public */
export interface RouteFacts {
  /** The route's name; empty where the caller went around routes. */
  readonly route: string;
  readonly reason: RouteReason;
  /** The learnt score of the prompt, where it was asked. */
  readonly score?: number;
  /** Up to which score the cheap target answers. */
  readonly threshold?: number;
  /** Which version of the route decided. */
  readonly policyVersion: string;
  /** Which calibration of the guard it rests on, `<round>.<samples>`. */
  readonly calibration?: string;
}

/** Decimals of scores and thresholds in headers: no two grid steps are that close. */
const SCORE_DECIMALS = 4;

/** Writes what routing decided as one header value: `support; reason=score; score=0.312; threshold=0.4; policy=1f2e3d4c`. @public */
export function formatRouteFacts({ route, reason, score, threshold, policyVersion, calibration }: RouteFacts): string {
  const parts: readonly (readonly [name: string, value: string | undefined])[] = [
    ['reason', reason],
    ['score', decimal(score)],
    ['threshold', decimal(threshold)],
    ['policy', policyVersion === '' ? undefined : policyVersion],
    ['calibration', calibration],
  ];
  const stated = parts.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return [route === '' ? 'none' : route, ...stated].join('; ');
}

function decimal(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(Number(value.toFixed(SCORE_DECIMALS)));
}
