import { SHAPE_SIZE, type TextFeatures } from './text-features.ts';

/** How the shapes of a set of texts lie: makes their numbers comparable. JSON as it stands. @public */
export interface ShapeScale {
  readonly means: readonly number[];
  readonly deviations: readonly number[];
}

/** A number that never changes would divide by nothing; one that hardly does should not count for everything. Ours. */
const LEAST_DEVIATION = 1e-3;

/** @internal */
export function shapeScale(texts: readonly TextFeatures[]): ShapeScale {
  const count = Math.max(1, texts.length);
  const means = new Float64Array(SHAPE_SIZE);
  const squares = new Float64Array(SHAPE_SIZE);
  for (const { shape } of texts) shape.forEach((value, at) => (means[at] = (means[at] ?? 0) + value / count));
  for (const { shape } of texts) {
    shape.forEach((value, at) => (squares[at] = (squares[at] ?? 0) + (value - (means[at] ?? 0)) ** 2 / count));
  }
  return { means: [...means], deviations: [...squares].map((square) => Math.max(LEAST_DEVIATION, Math.sqrt(square))) };
}

/** A shape in deviations from the mean. @internal */
export function scaledShape(shape: Float64Array, { means, deviations }: ShapeScale): Float64Array {
  return shape.map((value, at) => (value - (means[at] ?? 0)) / (deviations[at] ?? 1));
}
