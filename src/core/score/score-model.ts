import type { PackedNumbers } from './packed-numbers.ts';
import type { ShapeScale } from './shape-scale.ts';

/** A logistic head: the probability that a target's answer is right. @public */
export interface PackedHead {
  readonly bias: number;
  readonly shape: readonly number[];
  /** In the order of {@link ScoreParameters.buckets}. */
  readonly weights: PackedNumbers;
}

/** What tells texts that are like those of the training from others. @public */
export interface DriftParameters {
  /** All hash buckets that the training met, packed. */
  readonly seen: string;
  /** Hash buckets that many of its texts have, packed, and the mean text in them. */
  readonly common: string;
  readonly centre: PackedNumbers;
  /** The inverse of the correlations of shapes, row by row. */
  readonly precision: readonly number[];
  /** For each measure its middle among the training's texts, and how far from it a text may be. See `driftMeasures`. */
  readonly middles: readonly number[];
  readonly spreads: readonly number[];
}

/** All that a score is computed from. @public */
export interface ScoreParameters {
  readonly scale: ShapeScale;
  /** The categories that the training met; empty: the text alone is read. */
  readonly categories: readonly string[];
  /** Hash buckets that have weights, packed. */
  readonly buckets: string;
  readonly cheap: PackedHead;
  readonly strong: PackedHead;
  readonly drift: DriftParameters;
}

/** A threshold for which it was shown on rows beside the training that quality is held. @public */
export interface CertifiedThreshold {
  /** Calls with a score up to this go to the cheap target. */
  readonly threshold: number;
  /** The mean loss of quality, over all calls, that it stays within. */
  readonly maxQualityLoss: number;
  /** How sure that is. */
  readonly confidenceRatio: number;
  /** On how many judged pairs it rests. */
  readonly pairs: number;
  /** The share of them that went to the cheap target. */
  readonly cheapRatio: number;
}

/** A trained score, as `farthing routes train` writes it. Plain data. @public */
export interface ScoreModel {
  readonly version: 1;
  /** Names the model: a hash of all that follows. */
  readonly id: string;
  /** The names of the two targets whose answers were judged. */
  readonly targets: { readonly cheap: string; readonly strong: string };
  /** The tag of a call that says what kind of task it is; `null`: the text alone is read. */
  readonly categoryTag: string | null;
  /** How many judged pairs it learnt from, and how many were held out to calibrate it. */
  readonly pairs: { readonly trained: number; readonly heldOut: number };
  /** Average performance gap recovered out of fold, with its 95 % interval; 0.5 is chance. `null`: the strong target is no better on these rows. */
  readonly apgr: { readonly value: number; readonly low: number; readonly high: number } | null;
  /** `null`: no threshold was certified; without one stated on the route the strong target answers all. */
  readonly certified: CertifiedThreshold | null;
  readonly parameters: ScoreParameters;
}
