import type { RouteFacts, RouteReason } from '../model/route-facts.ts';
import { formatTarget, type Target } from '../model/target.ts';
import type { ScoreVerdict } from '../score/score-of.ts';
import type { RouteRule } from './route-rule.ts';

/** What the guard says of a route at the moment. @public */
export interface QualityStanding {
  /** Which of the route's targets is the cheapest that is certified; 0 for a certified cascade. Undefined: none is. */
  readonly certifiedIndex: number | undefined;
  /** Up to which score, where the route has one: 1 is every call. */
  readonly threshold: number | undefined;
  /** Whether nothing is certified since quality fell, and not since the beginning. */
  readonly isAlarmed: boolean;
  /** `<round>.<samples>`. */
  readonly calibration: string;
}

/** What a choice within a route depends on, beside the route. @public */
export interface RouteChoiceInputs {
  /** The route's targets that can be asked, in its order; the last one is the route's last. */
  readonly targets: readonly [Target, ...Target[]];
  /** The same of its fallbacks. */
  readonly fallbacks: readonly Target[];
  /** Undefined where the route has no quality to keep. */
  readonly standing: QualityStanding | undefined;
  /** Whether the guard may look at such calls. For those that it never samples no certificate speaks. */
  readonly isSampled: boolean;
  /** Undefined where the route has no score. */
  readonly score: ScoreVerdict | undefined;
  /** Up to which score the cheap target answers, where the guard does not say. */
  readonly scoreThreshold: number | undefined;
  /** False: escalation costs more than it saves at the moment, and this call is not to find out whether it still does. */
  readonly isCascadeOn: boolean;
}

/** Where a call goes by its route, and why. @public */
export interface RouteChoice {
  readonly targets: readonly [Target, ...Target[]];
  readonly facts: RouteFacts;
  /** Whether the answers of the first targets are checked. */
  readonly isCascade: boolean;
}

/**
 * Chooses within a route: the cheapest target that is certified, the one that the score asks for, the cascade while it pays, else the strong one. What is
 * not known never makes a call cheaper.
 * @public
 */
export function routeChoice(rule: RouteRule, inputs: RouteChoiceInputs): RouteChoice {
  const { reason, index, ...measured } = chosen(rule, inputs);
  return placedChoice(rule, inputs, index, { reason, ...measured });
}

/**
 * The choice of one of a route's targets, with what stands behind it: dearer targets, then the fallbacks. Where quality is to be kept only the strong target
 * stands behind another one, since those between may not be certified.
 * @public
 */
export function placedChoice(
  { name, policyVersion, cascade }: RouteRule,
  { targets, fallbacks, standing }: RouteChoiceInputs,
  index: number,
  measured: Pick<RouteFacts, 'reason' | 'score' | 'threshold'>,
): RouteChoice {
  const [first = targets[0], ...dearer] = targets.slice(index);
  const behind = standing === undefined || cascade !== undefined ? dearer : dearer.slice(-1);
  const names = new Set([first, ...behind].map(formatTarget));
  const rest = [...behind, ...fallbacks.filter((target) => !names.has(formatTarget(target)))];
  return {
    targets: [first, ...rest],
    facts: {
      route: name,
      ...measured,
      policyVersion,
      ...(standing === undefined ? {} : { calibration: standing.calibration }),
    },
    isCascade: cascade !== undefined && measured.reason === 'cascade' && behind.length > 0,
  };
}

/** Where a target is among others; -1: it is not. @internal */
export function placeOf(target: Target, targets: readonly Target[]): number {
  const name = formatTarget(target);
  return targets.findIndex((each) => formatTarget(each) === name);
}

interface Chosen {
  readonly reason: RouteReason;
  /** Into the targets. */
  readonly index: number;
  readonly score?: number;
  readonly threshold?: number;
}

function chosen(rule: RouteRule, inputs: RouteChoiceInputs): Chosen {
  const { standing, targets } = inputs;
  const strong = targets.length - 1;
  if (standing !== undefined && (standing.certifiedIndex === undefined || !inputs.isSampled)) {
    return { reason: standing.isAlarmed ? 'alarm' : 'uncertified', index: strong, ...toldScore(inputs) };
  }
  if (rule.score !== undefined) return byScore(inputs);
  if (rule.cascade !== undefined) {
    return inputs.isCascadeOn ? { reason: 'cascade', index: 0 } : { reason: 'cascade-off', index: strong };
  }
  if (standing === undefined) return { reason: 'first', index: 0 };
  // One that cannot be asked in this protocol is replaced by none but the strong target.
  const certified = rule.targets[standing.certifiedIndex ?? strong];
  const place = certified === undefined ? -1 : placeOf(certified, targets);
  return { reason: 'certified', index: place === -1 ? strong : place };
}

/**
 * The score, for the record of a call that goes elsewhere for another reason: what is sampled of it counts for the thresholds above its score only. Absent
 * where the score knows no such prompts, and they go to the strong target whatever the threshold.
 */
export function toldScore({ score }: Pick<RouteChoiceInputs, 'score'>): Pick<RouteFacts, 'score'> {
  return score?.kind === 'score' ? { score: score.score } : {};
}

function byScore({ score, standing, scoreThreshold, targets }: RouteChoiceInputs): Chosen {
  const strong = targets.length - 1;
  if (score === undefined || score.kind === 'out-of-distribution')
    return { reason: 'out-of-distribution', index: strong };
  const threshold = standing?.threshold ?? scoreThreshold;
  if (threshold === undefined) return { reason: 'untrained', index: strong, score: score.score };
  return { reason: 'score', index: score.score <= threshold ? 0 : strong, score: score.score, threshold };
}
