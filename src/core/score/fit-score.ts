import { headInput } from './head-input.ts';
import { learnDrift } from './learn-drift.ts';
import { type LogisticHead, trainHead } from './logistic-head.ts';
import { packNumbers, packRising } from './packed-numbers.ts';
import type { PackedHead, ScoreParameters } from './score-model.ts';
import { shapeScale } from './shape-scale.ts';
import { BUCKET_BITS, textFeatures } from './text-features.ts';

/** A prompt that both targets answered, with what their answers are worth. @public */
export interface JudgedPair {
  readonly text: string;
  /** What kind of task it is; undefined: nobody says. */
  readonly category: string | undefined;
  /** What the cheap target's answer is worth, 0 to 1. */
  readonly cheap: number;
  /** What the strong target's answer is worth, 0 to 1. */
  readonly strong: number;
}

/**
 * Hash buckets that keep their weights: those that count most. 3,500 questions of MMLU have 107,000, so that all stay; half of this loses 0.006 APGR there. Keeps the file below
 * 900 KB however much is learnt from.
 */
const MOST_BUCKETS = 131_072;

/**
 * Learns what a score is computed from. The same pairs in the same order with the same seed give the same parameters.
 * @public
 */
export function fitScore(pairs: readonly JudgedPair[], seed: number): ScoreParameters {
  const features = pairs.map(({ text }) => textFeatures(text));
  const scale = shapeScale(features);
  const inputs = features.map((text, at) => headInput(text, scale, pairs[at]?.category));
  const cheap = trainHead(
    inputs,
    pairs.map((pair) => pair.cheap),
    seed,
  );
  const strong = trainHead(
    inputs,
    pairs.map((pair) => pair.strong),
    seed,
  );
  const buckets = keptBuckets(cheap, strong);
  const categories = new Set(pairs.flatMap(({ category }) => (category === undefined ? [] : [category])));
  return {
    scale,
    categories: [...categories].toSorted(),
    buckets: packRising(buckets),
    cheap: packedHead(cheap, buckets),
    strong: packedHead(strong, buckets),
    drift: learnDrift(features, scale),
  };
}

function keptBuckets(cheap: LogisticHead, strong: LogisticHead): Int32Array {
  const counts = cheap.weights.map((weight, at) => Math.max(Math.abs(weight), Math.abs(strong.weights[at] ?? 0)));
  const least = counts.toSorted()[2 ** BUCKET_BITS - MOST_BUCKETS - 1] ?? 0;
  const kept: number[] = [];
  counts.forEach((count, bucket) => {
    if (count > least) kept.push(bucket);
  });
  return Int32Array.from(kept);
}

function packedHead({ bias, shape, weights }: LogisticHead, buckets: Int32Array): PackedHead {
  return {
    bias,
    shape: [...shape],
    weights: packNumbers(Float32Array.from(buckets, (bucket) => weights[bucket] ?? 0)),
  };
}
