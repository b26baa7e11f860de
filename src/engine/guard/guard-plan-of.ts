import type { GuardPlan } from '../../core/guard/guard-state.ts';
import type { RouteRule, ScorePolicy } from '../../core/route/route-rule.ts';
import { routeCandidates } from './route-candidates.ts';

/**
 * Scores up to which calls may go to the cheap target, each certified after the one before. A score is by how much the strong target is expected to do
 * better, so most calls lie between -0.1 and 0.4. Ours, and the same for every model: fixed before any sample is seen.
 */
const SCORE_STEPS: readonly number[] = [
  -0.5,
  -0.3,
  -0.2,
  -0.15,
  ...Array.from({ length: 26 }, (_, step) => (step * 2 - 10) / 100),
  0.45,
  0.5,
  0.6,
  0.7,
  0.85,
  1,
];

/** What a route is held to. Undefined: it has no quality to keep, or nothing cheaper than its strong target. @internal */
export function guardPlanOf(route: RouteRule): GuardPlan | undefined {
  const { quality, score, policyVersion } = route;
  const [first, ...others] = routeCandidates(route);
  if (quality === undefined || first === undefined) return undefined;
  return {
    fingerprint: policyVersion,
    maxQualityLoss: quality.maxQualityLoss,
    confidenceRatio: quality.confidenceRatio,
    // A score tells the first target from the last one.
    candidates:
      score === undefined
        ? [{ id: first.name }, ...others.map(({ name }) => ({ id: name }))]
        : [{ id: first.name, thresholds: scoreSteps(score) }],
  };
}

/** Up to what the operator states; with what was certified in training as a step of its own. */
function scoreSteps({ model, threshold }: ScorePolicy): readonly number[] {
  const own = threshold ?? model.certified?.threshold;
  const steps = new Set(own === undefined ? SCORE_STEPS : [...SCORE_STEPS, own]);
  return [...steps]
    .filter((step) => threshold === undefined || step <= threshold)
    .toSorted((left, right) => left - right);
}
