/** What one call has taught: what its input was estimated at, and what the provider billed. @public */
export interface CalibrationSample {
  readonly target: string;
  /** Whether the prompt offered tools, which come with words of the provider's own. */
  readonly hasTools: boolean;
  readonly estimateTokens: number;
  readonly actualTokens: number;
}

/** What is known of one target, with tools or without. JSON as it stands. @public */
export interface TargetCalibration {
  /** The last estimates, the newest last. */
  readonly estimates: readonly number[];
  /** What was billed for each of them. */
  readonly actuals: readonly number[];
  /** How far off each of them was, as a ratio of what was billed, by what was known before it: the error that is shown. */
  readonly errorRatios: readonly number[];
  /** Tokens billed for one estimated, and what comes on top. */
  readonly factor: number;
  readonly constantTokens: number;
}

/** All that was learnt, by target. JSON as it stands; one writer's replaces another's without harm. @public */
export interface CalibrationState {
  readonly targets: Readonly<Record<string, TargetCalibration>>;
}

/** How far off the counts of a target are. @public */
export interface CalibrationError {
  /** The middle of the last errors, as a ratio of what was billed. */
  readonly medianRatio: number;
  /** How many calls it is from. */
  readonly calls: number;
}

/** Calls remembered of a target. Enough for a median that one outlier does not move; under 1 KB as JSON. */
const REMEMBERED_CALLS = 32;

/** Targets remembered, with and without tools; of those with the fewest calls the oldest goes first. */
const REMEMBERED_TARGETS = 512;

/** @public */
export const NOTHING_LEARNT: CalibrationState = { targets: {} };

const UNCALIBRATED: TargetCalibration = { estimates: [], actuals: [], errorRatios: [], factor: 1, constantTokens: 0 };

/**
 * Learns from one call. Robust: the fit is by medians, so that hidden features of a provider in a few calls do not move it, and a target that is counted
 * to the token stays so. Samples without tokens teach nothing.
 * @public
 */
export function calibrate(state: CalibrationState, sample: CalibrationSample): CalibrationState {
  const { estimateTokens, actualTokens } = sample;
  if (!(estimateTokens > 0) || !(actualTokens > 0) || !Number.isFinite(estimateTokens + actualTokens)) return state;
  const key = keyOf(sample.target, sample.hasTools);
  const before = state.targets[key] ?? UNCALIBRATED;
  const estimates = [...before.estimates, estimateTokens].slice(-REMEMBERED_CALLS);
  const actuals = [...before.actuals, actualTokens].slice(-REMEMBERED_CALLS);
  const error = Math.abs(applied(before, estimateTokens) - actualTokens) / actualTokens;
  const errorRatios = [...before.errorRatios, error].slice(-REMEMBERED_CALLS);
  const learnt: TargetCalibration = { estimates, actuals, errorRatios, ...fitOf(estimates, actuals) };
  return { targets: { ...withRoom(state.targets, key), [key]: learnt } };
}

/** Leaves out the target with the fewest calls where there is no room for another one. */
function withRoom(targets: CalibrationState['targets'], key: string): CalibrationState['targets'] {
  if (targets[key] !== undefined) return targets;
  const entries = Object.entries(targets);
  if (entries.length < REMEMBERED_TARGETS) return targets;
  const fewest = Math.min(...entries.map(([, { actuals }]) => actuals.length));
  const dropped = entries.findIndex(([, { actuals }]) => actuals.length === fewest);
  return Object.fromEntries(entries.toSpliced(dropped, 1));
}

/** An estimate as it is after all that was learnt of the target; as it was where nothing is. @public */
export function calibratedTokens(
  state: CalibrationState,
  { target, hasTools, estimateTokens }: Omit<CalibrationSample, 'actualTokens'>,
): number {
  return applied(state.targets[keyOf(target, hasTools)] ?? UNCALIBRATED, estimateTokens);
}

/** Tokens that a target bills for one that is estimated more; 1 where nothing was learnt. @public */
export function billedForOne(state: CalibrationState, target: string): number {
  return (state.targets[keyOf(target, false)] ?? state.targets[keyOf(target, true)] ?? UNCALIBRATED).factor;
}

/**
 * The error of a target's counts as they were made, each before its own call taught anything.
 * @param hasTools - undefined: calls with tools and without together.
 * @returns undefined where no call was seen.
 * @public
 */
export function errorOf(state: CalibrationState, target: string, hasTools?: boolean): CalibrationError | undefined {
  const kinds = hasTools === undefined ? [false, true] : [hasTools];
  const errors = kinds.flatMap((kind) => state.targets[keyOf(target, kind)]?.errorRatios ?? []);
  return errors.length === 0 ? undefined : { medianRatio: median(errors), calls: errors.length };
}

/** Takes what came out of a store: what is no calibration, as a whole or of one target, is left out. @public */
export function readCalibration(value: unknown): CalibrationState {
  const targets = isRecord(value) && isRecord(value['targets']) ? value['targets'] : {};
  const sound = Object.entries(targets).flatMap(([key, entry]) => {
    const read = readTarget(entry);
    return read === undefined ? [] : [[key, read] as const];
  });
  return { targets: Object.fromEntries(sound.slice(-REMEMBERED_TARGETS)) };
}

function readTarget(value: unknown): TargetCalibration | undefined {
  if (!isRecord(value)) return undefined;
  const estimates = positives(value['estimates']);
  const actuals = positives(value['actuals']);
  const errorRatios = positives(value['errorRatios'], 0);
  if (estimates === undefined || actuals === undefined || errorRatios === undefined) return undefined;
  if (estimates.length !== actuals.length || estimates.length === 0) return undefined;
  return { estimates, actuals, errorRatios, ...fitOf(estimates, actuals) };
}

function positives(value: unknown, least = Number.MIN_VALUE): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers = value.slice(-REMEMBERED_CALLS).map(Number);
  return numbers.every((number) => Number.isFinite(number) && number >= least) ? numbers : undefined;
}

/** No name of a target holds a line's end. */
function keyOf(target: string, hasTools: boolean): string {
  return `${target}\n${hasTools ? 'tools' : 'plain'}`;
}

type Fit = Pick<TargetCalibration, 'factor' | 'constantTokens'>;

function applied({ factor, constantTokens }: Fit, estimateTokens: number): number {
  return Math.max(1, Math.round(factor * estimateTokens + constantTokens));
}

/** A better fit must lower the middle error by this much, or what was known stays: whole tokens of short prompts are no news. */
const LEAST_GAIN_RATIO = 0.002;

/** Calls from which a line is fitted, and how much wider the estimates must be spread: a slope between like prompts is noise. */
const LINE_CALLS = 4;
const LINE_SPREAD = 1.5;

/**
 * The simplest of four fits that explains the calls: as estimated, a constant on top, a factor, or a line. Each is by medians; each must beat the simpler
 * ones by a margin that falls with the number of calls, so that one call alone changes nothing, and two only where they agree.
 */
function fitOf(estimates: readonly number[], actuals: readonly number[]): Fit {
  let best: Fit = { factor: 1, constantTokens: 0 };
  let least = fitErrors(best, estimates, actuals);
  const calls = estimates.length;
  if (calls < 2) return best;
  const offsets = estimates.map((estimate, index) => (actuals[index] ?? estimate) - estimate);
  const ratios = estimates.map((estimate, index) => (actuals[index] ?? estimate) / estimate);
  const candidates: (readonly [fit: Fit, parameters: number])[] = [
    [{ factor: 1, constantTokens: median(offsets) }, 2],
    [{ factor: median(ratios), constantTokens: 0 }, 2],
  ];
  if (calls >= LINE_CALLS && Math.max(...estimates) >= LINE_SPREAD * Math.min(...estimates)) {
    candidates.push([lineOf(estimates, actuals), 4]);
  }
  for (const [fit, parameters] of candidates) {
    const errors = fitErrors(fit, estimates, actuals);
    const doubt = 1 + parameters / (calls - 1);
    if (errors.middle * doubt > least.middle - LEAST_GAIN_RATIO || errors.mean * doubt > least.mean) continue;
    best = fit;
    least = errors;
  }
  return best;
}

/** Theil and Sen's line: the median slope between any two calls, and the median of what is left. */
function lineOf(estimates: readonly number[], actuals: readonly number[]): Fit {
  const slopes: number[] = [];
  for (const [index, estimate] of estimates.entries()) {
    for (let other = 0; other < index; other += 1) {
      const run = estimate - (estimates[other] ?? estimate);
      if (run !== 0) slopes.push(((actuals[index] ?? 0) - (actuals[other] ?? 0)) / run);
    }
  }
  const factor = Math.min(MAX_FACTOR, Math.max(MIN_FACTOR, slopes.length === 0 ? 1 : median(slopes)));
  const constantTokens = median(estimates.map((estimate, index) => (actuals[index] ?? 0) - factor * estimate));
  return { factor, constantTokens };
}

/** No vocabulary is finer or coarser than that against another. */
const MIN_FACTOR = 0.25;
const MAX_FACTOR = 8;

interface FitErrors {
  readonly middle: number;
  readonly mean: number;
}

/** The middle error alone would follow the prompt that comes most often, and be wrong for all others; in the mean an outlier counts only so much. */
function fitErrors(fit: Fit, estimates: readonly number[], actuals: readonly number[]): FitErrors {
  const errors = actuals.map((actual, index) => {
    const error = Math.abs(applied(fit, estimates[index] ?? actual) - actual) / actual;
    return Math.min(MAX_COUNTED_ERROR, error);
  });
  return { middle: median(errors), mean: errors.reduce((sum, error) => sum + error, 0) / errors.length };
}

const MAX_COUNTED_ERROR = 0.5;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
