import { scaledShape, type ShapeScale } from './shape-scale.ts';
import { lengthOf } from './head-input.ts';
import { SHAPE_SIZE, type TextFeatures } from './text-features.ts';

/** What a text's drift is measured against. @internal */
export interface DriftReference {
  readonly scale: ShapeScale;
  /** By bucket: whether it is one that other texts of the training have. */
  readonly isKnown: (bucket: number) => boolean;
  /** By bucket: the mean text in the buckets that are common, of length 1; 0 elsewhere. */
  readonly centre: Float32Array;
  readonly precision: readonly number[];
}

/** How many measures of drift there are. @internal */
export const DRIFT_MEASURES = 4;

/**
 * How strange a text is, four ways, each the greater the stranger: unknown words, unknown pairs of words, distance of its shape (Mahalanobis), distance
 * of its direction from the mean text. Each sees what the others miss: questions that are no multiple choice any more have known words but lack common
 * ones, and another language has the right shape.
 * @internal
 */
export function driftMeasures(features: TextFeatures, reference: DriftReference): Float64Array {
  const { buckets, wordBuckets, values } = features;
  let unknownWords = 0;
  let unknownPairs = 0;
  let along = 0;
  for (let at = 0; at < buckets.length; at += 1) {
    const bucket = buckets[at] ?? 0;
    along += (values[at] ?? 0) * (reference.centre[bucket] ?? 0);
    if (reference.isKnown(bucket)) continue;
    if (at < wordBuckets) unknownWords += 1;
    else unknownPairs += 1;
  }
  return Float64Array.of(
    dampedShare(unknownWords, wordBuckets),
    dampedShare(unknownPairs, buckets.length - wordBuckets),
    shapeDistance(scaledShape(features.shape, reference.scale), reference.precision),
    1 - along / lengthOf(values),
  );
}

/** Drawn towards a little, so that one unknown word of two is not half of a text. Ours. */
function dampedShare(part: number, whole: number): number {
  return (part + 0.5) / (whole + 4);
}

function shapeDistance(shape: Float64Array, precision: readonly number[]): number {
  let square = 0;
  for (let row = 0; row < SHAPE_SIZE; row += 1) {
    for (let column = 0; column < SHAPE_SIZE; column += 1) {
      square += (shape[row] ?? 0) * (precision[row * SHAPE_SIZE + column] ?? 0) * (shape[column] ?? 0);
    }
  }
  return Math.sqrt(Math.max(0, square));
}
