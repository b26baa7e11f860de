import { FarthingError } from '../errors.ts';
import type { DriftReference } from './drift-measures.ts';
import { lengthOf } from './head-input.ts';
import { type PackedNumbers, unpackNumbers, unpackRising } from './packed-numbers.ts';
import type { ScoreParameters } from './score-model.ts';
import { BUCKET_BITS } from './text-features.ts';

/** Parameters as they are computed with: 3 MB of tables. @internal */
export interface PreparedScore {
  /** By bucket, for the two heads in turn: cheap, strong. */
  readonly weights: Float32Array;
  readonly categories: ReadonlySet<string>;
  readonly drift: DriftReference;
}

const BUCKETS = 2 ** BUCKET_BITS;

const prepared = new WeakMap<ScoreParameters, PreparedScore>();

/**
 * Unpacks parameters once, however often they are used.
 * @throws FarthingError `configuration` where something in them cannot be unpacked.
 * @internal
 */
export function preparedScore(parameters: ScoreParameters): PreparedScore {
  const found = prepared.get(parameters);
  if (found !== undefined) return found;
  const made = prepare(parameters);
  prepared.set(parameters, made);
  return made;
}

function prepare({ categories, buckets, cheap, strong, scale, drift }: ScoreParameters): PreparedScore {
  const weights = new Float32Array(2 * BUCKETS);
  const places = placesIn(buckets, 'buckets');
  [cheap, strong].forEach((head, at) => {
    const numbers = numbersIn(head.weights, places.length, at === 0 ? 'cheap.weights' : 'strong.weights');
    places.forEach((bucket, index) => (weights[2 * bucket + at] = numbers[index] ?? 0));
  });
  const seen = new Uint8Array(BUCKETS);
  for (const bucket of placesIn(drift.seen, 'drift.seen')) seen[bucket] = 1;
  const common = placesIn(drift.common, 'drift.common');
  const means = numbersIn(drift.centre, common.length, 'drift.centre');
  const length = lengthOf(means);
  const centre = new Float32Array(BUCKETS);
  common.forEach((bucket, index) => (centre[bucket] = (means[index] ?? 0) / length));
  const reference = { scale, isKnown: (bucket: number) => seen[bucket] === 1, centre, precision: drift.precision };
  return { weights, categories: new Set(categories), drift: reference };
}

function placesIn(text: string, where: string): Int32Array {
  const places = unpackRising(text, BUCKETS);
  if (places === undefined) throw new FarthingError('configuration', `score: ${where}: is not a packed list`);
  return places;
}

function numbersIn(packed: PackedNumbers, size: number, where: string): Float32Array {
  const numbers = unpackNumbers(packed);
  if (numbers?.length !== size)
    throw new FarthingError('configuration', `score: ${where}: does not hold ${size} numbers`);
  return numbers;
}
