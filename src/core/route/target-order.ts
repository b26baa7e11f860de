import { formatTarget, type Target } from '../model/target.ts';
import { fadedMs, type LatencyAverage } from './latency-average.ts';
import { weightedDraw } from '../weighted-draw.ts';
import type { RouteBalance } from './route-table.ts';

/** What is known of a target while calls go to it. @public */
export interface TargetObservation {
  /** Attempts under way. */
  readonly inFlight: number;
  /** Undefined: nobody has asked it yet. */
  readonly latency: LatencyAverage | undefined;
}

/** What an order depends on. @public */
export interface TargetOrderOptions {
  /** Undefined: the order in which the targets are written. */
  readonly balance: RouteBalance | undefined;
  /** Asked for `latency` only. */
  readonly observationOf: (target: Target) => TargetObservation;
  /** Monotonic, as in the observations. */
  readonly nowMs: number;
  /** Chance, in [0, 1): one number decides the whole order. */
  readonly fraction: number;
  /** Where the beginning of the prompt is cached: among equals it is asked first. Undefined: nowhere, or nobody knows. */
  readonly warm?: Target | undefined;
}

type Targets = readonly [Target, ...Target[]];

/** What an unknown or long unasked target counts as, against the best known one. */
const LEAST_RATIO = 0.5;

interface Candidate {
  readonly target: Target;
  readonly weight: number;
}

/**
 * The order in which the targets of a route are tried: the first is asked, the others are fallbacks.
 *
 * - `weighted`: a draw without putting back, so that the first, and after it each fallback, is chosen by weight among those that are left.
 * - `latency`: of two targets drawn at random the cheaper one, then all others from the cheapest on. What a target costs is its time to first byte times
 *   the attempts that it would have under way, divided by its weight: twice the weight may be twice as slow. Comparing two instead of all keeps calls that
 *   start at the same moment from running to the same target.
 *
 * An unknown target counts as half the best known one: it is tried at once, and what it has under way makes it dearer than that before it has answered.
 * The same is the least that a target counts as when it was not asked for long.
 *
 * A warm target comes first whatever the balance says, and the others in the order that they would have had. Targets that are no equals keep their order: it is
 * the operator's.
 * @public
 */
export function targetOrder(targets: Targets, options: TargetOrderOptions): Targets {
  const { balance, fraction } = options;
  if (balance === undefined || targets.length === 1) return targets;
  const candidates = targets.map((target, index) => ({ target, weight: balance.weights[index] ?? 1 }));
  const ordered =
    balance.by === 'weighted' ? drawn(candidates, ({ weight }) => weight, fraction) : cheapest(candidates, options);
  const warm = options.warm === undefined ? undefined : formatTarget(options.warm);
  const all = ordered.map(({ target }) => target);
  const isWarm = (target: Target): boolean => formatTarget(target) === warm;
  const [first = targets[0], ...rest] =
    warm === undefined ? all : [...all.filter(isWarm), ...all.filter((target) => !isWarm(target))];
  return [first, ...rest];
}

/** Draws all items by weight, one after the other. */
function drawn<Item>(items: readonly Item[], weightOf: (item: Item) => number, fraction: number): readonly Item[] {
  const left = [...items];
  const order: Item[] = [];
  let chance = fraction;
  while (left.length > 0) {
    const draw = weightedDraw(left.map(weightOf), chance);
    order.push(...left.splice(draw.index, 1));
    chance = draw.fraction;
  }
  return order;
}

/** The cheaper of two drawn ones, then the rest from the cheapest on. Sorting is stable, so that the draw decides between equal costs. */
function cheapest(candidates: readonly Candidate[], options: TargetOrderOptions): readonly Candidate[] {
  const costOf = costs(candidates, options);
  const [one, other, ...more] = drawn(candidates, () => 1, options.fraction);
  if (one === undefined || other === undefined) return candidates;
  const [first, second] = costOf(one) <= costOf(other) ? [one, other] : [other, one];
  return [first, ...[second, ...more].toSorted((left, right) => costOf(left) - costOf(right))];
}

function costs(
  candidates: readonly Candidate[],
  { observationOf, nowMs }: TargetOrderOptions,
): (candidate: Candidate) => number {
  const observations = new Map(candidates.map(({ target }) => [target, observationOf(target)]));
  const averages = [...observations.values()].map(({ latency }) => latency?.averageMs ?? Infinity);
  const best = Math.min(...averages);
  const leastMs = best === Infinity ? 1 : best * LEAST_RATIO;
  return ({ target, weight }) => {
    const { inFlight = 0, latency } = observations.get(target) ?? {};
    const expectedMs = latency === undefined ? leastMs : Math.max(fadedMs(latency, nowMs), leastMs);
    return (expectedMs * (inFlight + 1)) / weight;
  };
}
