import { driftMeasures, DRIFT_MEASURES, type DriftReference } from './drift-measures.ts';
import { lengthOf } from './head-input.ts';
import { packNumbers, packRising } from './packed-numbers.ts';
import type { DriftParameters } from './score-model.ts';
import { scaledShape, type ShapeScale } from './shape-scale.ts';
import { inverseOf } from './symmetric-inverse.ts';
import { BUCKET_BITS, SHAPE_SIZE, type TextFeatures } from './text-features.ts';

/** The share of the training's own texts that counts as strange: what certainty about others costs. Ours. */
const STRANGE_RATIO = 0.02;

/** A bucket is common when this share of texts has it. Ours. */
const COMMON_RATIO = 0.02;

/** Added to each variance, so that shapes that always go together do not make the smallest difference look large. Ours. */
const RIDGE = 0.05;

/**
 * Learns which texts are like those of the training. The bounds are set by the training's texts themselves, each measured as if it were not among them: its words
 * are known where another text has them.
 * @internal
 */
export function learnDrift(texts: readonly TextFeatures[], scale: ShapeScale): DriftParameters {
  const frequencies = new Int32Array(2 ** BUCKET_BITS);
  for (const { buckets } of texts) for (const bucket of buckets) frequencies[bucket] = (frequencies[bucket] ?? 0) + 1;
  const common = bucketsWith(frequencies, Math.max(2, COMMON_RATIO * texts.length));
  const centre = centreOf(texts, common);
  const reference: DriftReference = {
    scale,
    isKnown: (bucket) => (frequencies[bucket] ?? 0) > 1,
    centre,
    precision: precisionOf(texts, scale),
  };
  const measures = texts.map((text) => driftMeasures(text, reference));
  return {
    seen: packRising(bucketsWith(frequencies, 1)),
    common: packRising(common),
    centre: packNumbers(Float32Array.from(common, (bucket) => centre[bucket] ?? 0)),
    precision: reference.precision,
    ...bounds(measures),
  };
}

function bucketsWith(frequencies: Int32Array, least: number): Int32Array {
  const found: number[] = [];
  frequencies.forEach((frequency, bucket) => {
    if (frequency >= least) found.push(bucket);
  });
  return Int32Array.from(found);
}

function centreOf(texts: readonly TextFeatures[], common: Int32Array): Float32Array {
  const sums = new Float64Array(2 ** BUCKET_BITS);
  for (const { buckets, values } of texts) {
    const length = lengthOf(values);
    buckets.forEach((bucket, at) => (sums[bucket] = (sums[bucket] ?? 0) + (values[at] ?? 0) / length));
  }
  const centre = new Float32Array(2 ** BUCKET_BITS);
  const length = lengthOf(Float32Array.from(common, (bucket) => sums[bucket] ?? 0));
  for (const bucket of common) centre[bucket] = (sums[bucket] ?? 0) / length;
  return centre;
}

function precisionOf(texts: readonly TextFeatures[], scale: ShapeScale): readonly number[] {
  const products = new Float64Array(SHAPE_SIZE * SHAPE_SIZE);
  for (const text of texts) {
    const shape = scaledShape(text.shape, scale);
    for (let at = 0; at < products.length; at += 1) {
      const product = (shape[Math.floor(at / SHAPE_SIZE)] ?? 0) * (shape[at % SHAPE_SIZE] ?? 0);
      products[at] = (products[at] ?? 0) + product / texts.length;
    }
  }
  for (let at = 0; at < SHAPE_SIZE; at += 1) {
    const diagonal = at * SHAPE_SIZE + at;
    products[diagonal] = (products[diagonal] ?? 0) + RIDGE;
  }
  return [...inverseOf(products, SHAPE_SIZE)];
}

/** Puts the measures on one scale, then sets the one bound that no more than the wanted share of texts passes in any of them. */
function bounds(measures: readonly Float64Array[]): Pick<DriftParameters, 'middles' | 'spreads'> {
  const places = Array.from({ length: DRIFT_MEASURES }, (_, at) => at);
  const sorted = places.map((at) => Float64Array.from(measures, (values) => values[at] ?? 0).toSorted());
  const middles = sorted.map((values) => quantileOf(values, 0.5));
  // A measure that is the same for all texts has no scale of its own; then any difference is strange.
  const single = sorted.map((values, at) =>
    Math.max(LEAST_SPREAD, quantileOf(values, 1 - STRANGE_RATIO) - (middles[at] ?? 0)),
  );
  const highest = Float64Array.from(measures, (values) =>
    Math.max(...places.map((at) => ((values[at] ?? 0) - (middles[at] ?? 0)) / (single[at] ?? 1))),
  ).toSorted();
  const bound = quantileOf(highest, 1 - STRANGE_RATIO);
  return { middles, spreads: single.map((spread) => Math.max(LEAST_SPREAD, spread * bound)) };
}

const LEAST_SPREAD = 1e-6;

function quantileOf(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}
