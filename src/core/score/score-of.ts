import { driftMeasures } from './drift-measures.ts';
import { headInput, type HeadInput } from './head-input.ts';
import { logistic } from './logistic-head.ts';
import { type PreparedScore, preparedScore } from './prepared-score.ts';
import type { PackedHead, ScoreModel, ScoreParameters } from './score-model.ts';
import { textFeatures, type TextFeatures } from './text-features.ts';

/**
 * What a score says of a prompt.
 *
 * - `score`: the probability that the strong target's answer is right less that of the cheap one's, -1 to 1: high is for the strong one.
 * - `out-of-distribution`: the prompt is not like those of the training, so that its score would mean nothing. `drift` is how strange it is, as a multiple
 *   of what is allowed: above 1, and at most 1,000.
 *
 * @public
 */
export type ScoreVerdict =
  | { readonly kind: 'score'; readonly score: number }
  | { readonly kind: 'out-of-distribution'; readonly drift: number };

/** Keeps a drift a number that JSON can hold. */
const MOST_DRIFT = 1000;

/**
 * Scores a prompt. Pure, and fast enough for every call: the model's tables are unpacked once.
 * @param text - the user's latest words, see `latestUserText`.
 * @param category - the value of the call's tag `model.categoryTag`; a score with categories knows no call without one of them.
 * @public
 */
export function scoreOf({ parameters }: Pick<ScoreModel, 'parameters'>, text: string, category?: string): ScoreVerdict {
  const tables = preparedScore(parameters);
  const known = tables.categories.size === 0 ? undefined : category;
  if (tables.categories.size > 0 && (known === undefined || !tables.categories.has(known))) {
    return { kind: 'out-of-distribution', drift: MOST_DRIFT };
  }
  const features = textFeatures(text);
  const drift = driftOf(features, parameters, tables);
  if (drift > 1) return { kind: 'out-of-distribution', drift };
  return { kind: 'score', score: gainOf(headInput(features, parameters.scale, known), parameters, tables) };
}

function driftOf(
  features: TextFeatures,
  { drift: { middles, spreads } }: ScoreParameters,
  tables: PreparedScore,
): number {
  let drift = 0;
  driftMeasures(features, tables.drift).forEach((measure, at) => {
    drift = Math.max(drift, (measure - (middles[at] ?? 0)) / (spreads[at] ?? 1));
  });
  return Math.min(MOST_DRIFT, drift);
}

function gainOf(input: HeadInput, { cheap, strong }: ScoreParameters, { weights }: PreparedScore): number {
  let cheapSum = denseSum(cheap, input.shape);
  let strongSum = denseSum(strong, input.shape);
  for (let at = 0; at < input.buckets.length; at += 1) {
    const place = 2 * (input.buckets[at] ?? 0);
    const value = input.values[at] ?? 0;
    cheapSum += (weights[place] ?? 0) * value;
    strongSum += (weights[place + 1] ?? 0) * value;
  }
  return logistic(strongSum) - logistic(cheapSum);
}

function denseSum({ bias, shape }: PackedHead, input: Float64Array): number {
  return shape.reduce((sum, weight, at) => sum + weight * (input[at] ?? 0), bias);
}
