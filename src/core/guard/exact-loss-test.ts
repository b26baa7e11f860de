/** Width of the narrowest cell of the share of differing answers, in deviations of the net loss. Ours: costs about 1 % of alpha. */
const FINEST_CELL_DEVIATIONS = 0.01;

/** Largest critical value that is tried; a normal variable is never so far out at any alpha that one would use. Ours. */
const LARGEST_CRITICAL = 8;

/** To what the critical value is found; always from the safe side. Ours. */
const CRITICAL_STEP = 0.002;

/** Deviations of a count that are summed up; what lies beyond (less than 1e-14) is left out or added in full. Ours. */
const SUMMED_DEVIATIONS = 8;

/** A fixed number of samples, the limit of their mean loss, and the chance of a false certificate. */
interface ExactCase {
  readonly samples: number;
  readonly limit: number;
  readonly alpha: number;
  /** Logarithms of the factorials up to the number of samples. */
  readonly factorials: readonly number[];
}

/** The largest net loss with which so many differing answers are still good enough. */
type Boundary = (differing: number) => number;

/**
 * Whether a fixed number of judged pairs shows that the mean loss is below a limit: an exact unconditional test, nearly as sharp as the normal
 * approximation that it needs not trust. One look only: for running samples see `lossTest`.
 *
 * Theorem. Let losses be independent draws of one law on {-1, 0, 1} with a mean of at least `limit`. With the number of worse (1) and better (-1)
 * answers, the test passes where `worse - better <= b(worse + better)`, with b falling short of `samples * limit` by a critical number of deviations.
 * b changes by at most 1 from one count to the next, so one worse answer less, or one better more, never turns a pass into a failure. Hence, moving
 * probability away from "worse", the chance to pass is largest where the mean is just the limit; and there, while the share of differing answers is
 * between p and q, it is at most what it is with a share (p + limit) / 2 of worse and (q - limit) / 2 of better ones. Such cells cover all shares; the
 * critical number is so large that the chance is at most alpha in each. So P(pass) <= alpha whatever the law.
 *
 * @param samples - how many pairs, fixed before they were seen.
 * @param limit - the mean loss that is tested, from 0 to below 1.
 * @param alpha - chance of passing though the mean loss is at least `limit`.
 * @internal
 */
export function exactLossTest(
  samples: number,
  limit: number,
  alpha: number,
): (worse: number, better: number) => boolean {
  const exactCase = { samples, limit, alpha, factorials: factorialLogs(samples) };
  let failing = 0;
  let critical = LARGEST_CRITICAL;
  if (!holdsLevel(exactCase, boundaryOf(exactCase, critical))) return () => false;
  while (critical - failing > CRITICAL_STEP) {
    const middle = (failing + critical) / 2;
    if (holdsLevel(exactCase, boundaryOf(exactCase, middle))) critical = middle;
    else failing = middle;
  }
  const boundary = boundaryOf(exactCase, critical);
  return (worse, better) => worse - better <= boundary(worse + better);
}

/** The square added to the variance keeps the slope at or below 1 (`critical / (2 * deviation)`), on which the theorem rests. */
function boundaryOf({ samples, limit }: ExactCase, critical: number): Boundary {
  const least = samples * limit * (1 - limit);
  return (differing) => {
    const variance = Math.max(differing - samples * limit * limit, least) + (critical * critical) / 4;
    return samples * limit - critical * Math.sqrt(variance);
  };
}

/** Whether the chance to pass is at most alpha for every share of differing answers: by cells, halved where they are too wide to tell. */
function holdsLevel(exactCase: ExactCase, boundary: Boundary): boolean {
  const { samples, limit, alpha } = exactCase;
  const cells: (readonly [low: number, high: number])[] = [[limit, 1]];
  for (let cell = cells.pop(); cell !== undefined; cell = cells.pop()) {
    const [low, high] = cell;
    const worseRatio = (low + limit) / 2;
    const betterRatio = Math.min((high - limit) / 2, 1 - worseRatio);
    if (passChance(exactCase, worseRatio, betterRatio, boundary) <= alpha) continue;
    if (high - low < 2 * FINEST_CELL_DEVIATIONS * Math.sqrt(Math.max(low, 1 / samples) / samples)) return false;
    const middle = (low + high) / 2;
    cells.push([middle, high], [low, middle]);
  }
  return true;
}

/** The chance to pass: over the number of differing answers, how likely it is times how likely few enough of them are worse. */
function passChance(
  { samples, factorials }: ExactCase,
  worseRatio: number,
  betterRatio: number,
  boundary: Boundary,
): number {
  const differingRatio = worseRatio + betterRatio;
  const odds = differingRatio / Math.max(1 - differingRatio, Number.MIN_VALUE);
  const centre = samples * differingRatio;
  const reach = SUMMED_DEVIATIONS * Math.sqrt(centre * (1 - differingRatio)) + 20;
  const last = Math.min(samples, Math.ceil(centre + reach));
  let differing = Math.max(0, Math.floor(centre - reach));
  const few = fewWorse(factorials, Math.max(worseRatio / differingRatio, Number.MIN_VALUE), boundary);
  let weight = Math.exp(binomialLog(factorials, samples, differing, differingRatio));
  let chance = weight * few(differing);
  let summed = weight;
  while (differing < last) {
    weight *= ((samples - differing) / (differing + 1)) * odds;
    differing += 1;
    chance += weight * few(differing);
    summed += weight;
  }
  return chance + Math.max(1 - summed, 0);
}

/**
 * For counts of differing answers that go up one by one: the chance that so few of them are worse that the test passes. Each from the one before:
 * the most that may be worse stays or goes up by one, as the boundary's slope is at most 1.
 */
function fewWorse(factorials: readonly number[], ratio: number, boundary: Boundary): (differing: number) => number {
  const mostOf = (differing: number): number => Math.floor((differing + boundary(differing)) / 2);
  let most: number | undefined;
  let atMost = 0;
  let exactly = 0;
  const begin = (differing: number, limit: number): void => {
    atMost = 0;
    const reach = SUMMED_DEVIATIONS * Math.sqrt(differing * ratio * (1 - ratio)) + 20;
    // Fewer than that are never met: their chance is far below what alpha is told in.
    const first = Math.min(limit, Math.max(0, Math.floor(differing * ratio - reach)));
    for (let worse = first; worse <= limit; worse += 1) {
      exactly = Math.exp(binomialLog(factorials, differing, worse, ratio));
      atMost += exactly;
    }
  };
  const goOn = (differing: number, before: number, limit: number): void => {
    atMost -= ratio * exactly;
    exactly *= (differing / (differing - before)) * (1 - ratio);
    if (limit === before) return;
    exactly *= ((differing - before) / (before + 1)) * (ratio / (1 - ratio));
    atMost += exactly;
  };
  return (differing) => {
    const limit = mostOf(differing);
    const before = most;
    most = limit;
    if (limit < 0) return 0;
    if (limit >= differing) return 1;
    if (before === undefined || before < 0 || before >= differing - 1) begin(differing, limit);
    else goOn(differing, before, limit);
    return Math.min(Math.max(atMost, 0), 1);
  };
}

function factorialLogs(largest: number): readonly number[] {
  const logs = [0];
  for (let count = 1; count <= largest; count += 1) logs.push((logs[count - 1] ?? 0) + Math.log(count));
  return logs;
}

/** The logarithm of the chance of `hits` in `tries`. */
function binomialLog(factorials: readonly number[], tries: number, hits: number, ratio: number): number {
  const ways = (factorials[tries] ?? 0) - (factorials[hits] ?? 0) - (factorials[tries - hits] ?? 0);
  const hit = hits === 0 ? 0 : hits * Math.log(ratio);
  const missed = tries === hits ? 0 : (tries - hits) * Math.log1p(-ratio);
  return ways + hit + missed;
}
