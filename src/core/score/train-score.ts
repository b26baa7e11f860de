import { calibratedThreshold, type ScoredLoss, thresholdGrid } from '../guard/calibrated-threshold.ts';
import { bootstrapIntervals } from '../replay/bootstrap-intervals.ts';
import { curveFigures, scoredRows } from '../replay/score-curve.ts';
import { seededFractions, shuffledIndexes } from '../replay/seeded-fractions.ts';
import { fitScore, type JudgedPair } from './fit-score.ts';
import { scoreId } from './score-id.ts';
import type { CertifiedThreshold, ScoreModel, ScoreParameters } from './score-model.ts';
import { scoreOf } from './score-of.ts';

/** Fewer judged pairs teach a score too little: with 500 it reaches most of what it ever will (facts of routing). @public */
export const LEAST_PAIRS = 500;

/** Pairs that are learnt from at most; what comes on top calibrates. Ours: a score learns little more from 7,000 than from 1,000, and memory is bounded. */
const MOST_LEARNT = 20_000;

/** How many thresholds are tried, each of which lets another such part of calls go to the cheap target. Ours. */
const THRESHOLD_STEPS = 40;

/** How a score is trained. @public */
export interface TrainingOptions {
  readonly targets: ScoreModel['targets'];
  /** The tag that pairs have their category from; undefined: categories are not read. */
  readonly categoryTag: string | undefined;
  /** The mean loss of quality that the threshold must stay within, above 0. */
  readonly maxQualityLoss: number;
  /** How sure that must be, above 0 and below 1. */
  readonly confidenceRatio: number;
  /** How often the interval of the APGR draws its rows anew. */
  readonly resamples: number;
  readonly seed: number;
}

/**
 * What training came to.
 *
 * - `too-few`: nothing was trained; so many judged pairs are missing.
 * - `trained`: a score. `worth`: `no-gap` where the strong target is no better on these pairs, so that there is nothing to tell apart; `chance` where
 *   the score may be no better than a random choice: it has no threshold then; else `useful`.
 *
 * @public
 */
export type TrainingResult =
  | { readonly kind: 'too-few'; readonly missing: number }
  | {
      readonly kind: 'trained';
      readonly worth: 'useful' | 'chance' | 'no-gap';
      readonly model: ScoreModel;
      /** The share of held-out pairs that would go to the strong target as strange, though they are of one kind with the training. */
      readonly strangeRatio: number;
    };

/** A random choice recovers half of the gap. */
const CHANCE_APGR = 0.5;

/**
 * Trains a score on one half of the pairs, drawn at random, and certifies its threshold on the other. So the threshold is certified for the very score that is
 * written, on pairs that had no part in it: what the test promises holds as long as calls are like the pairs. The APGR is that of all pairs, each
 * scored by what was learnt from the half that it is not in.
 * @public
 */
export function trainScore(pairs: readonly JudgedPair[], options: TrainingOptions): TrainingResult {
  if (pairs.length < LEAST_PAIRS) return { kind: 'too-few', missing: LEAST_PAIRS - pairs.length };
  const { targets, categoryTag, seed } = options;
  const order = shuffledIndexes(pairs.length, seededFractions(seed)).flatMap((index) => pairs[index] ?? []);
  const trained = order.slice(0, Math.min(MOST_LEARNT, Math.ceil(order.length / 2)));
  const heldOut = order.slice(trained.length);
  const parameters = fitScore(trained, seed);
  const scores = scoresOf(parameters, heldOut);
  const apgr = apgrOf(order, [...scoresOf(fitScore(heldOut.slice(0, MOST_LEARNT), seed), trained), ...scores], options);
  const worth = apgr === null ? 'no-gap' : apgr.low > CHANCE_APGR ? 'useful' : 'chance';
  const content: Omit<ScoreModel, 'id'> = {
    version: 1,
    targets,
    categoryTag: categoryTag ?? null,
    pairs: { trained: trained.length, heldOut: heldOut.length },
    apgr,
    certified: worth === 'useful' ? certifiedThreshold({ parameters, trained, heldOut, scores }, options) : null,
    parameters,
  };
  const { version, ...rest } = content;
  const model: ScoreModel = { version, id: scoreId(content), ...rest };
  const strange = scores.filter((score) => score === STRANGE_SCORE).length;
  return { kind: 'trained', worth, model, strangeRatio: strange / heldOut.length };
}

/** What a threshold is certified for and on. */
interface Certification {
  readonly parameters: ScoreParameters;
  readonly trained: readonly JudgedPair[];
  readonly heldOut: readonly JudgedPair[];
  /** Of what was held out. */
  readonly scores: readonly number[];
}

/** Which thresholds are tried, and with which test, is fixed by the half that was learnt from. */
function certifiedThreshold(
  { parameters, trained, heldOut, scores }: Certification,
  { maxQualityLoss, confidenceRatio }: TrainingOptions,
): CertifiedThreshold | null {
  const known = scoresOf(parameters, trained).filter((score) => score !== STRANGE_SCORE);
  const losses = heldOut.map(({ cheap, strong }, at): ScoredLoss => ({
    score: scores[at] ?? STRANGE_SCORE,
    loss: strong - cheap,
  }));
  const found = calibratedThreshold(losses, {
    maxQualityLoss,
    alpha: 1 - confidenceRatio,
    thresholds: thresholdGrid(known, THRESHOLD_STEPS),
    losses: trained.every(({ cheap, strong }) => Number.isInteger(cheap) && Number.isInteger(strong))
      ? 'whole'
      : 'graded',
  });
  if (found === undefined) return null;
  const { threshold, shareRatio } = found;
  return { threshold, maxQualityLoss, confidenceRatio, pairs: heldOut.length, cheapRatio: shareRatio };
}

/** What a strange prompt counts as: it goes to the strong target whatever the threshold is. */
const STRANGE_SCORE = Infinity;

function scoresOf(parameters: ScoreParameters, pairs: readonly JudgedPair[]): readonly number[] {
  return pairs.map(({ text, category }) => {
    const verdict = scoreOf({ parameters }, text, category);
    return verdict.kind === 'score' ? verdict.score : STRANGE_SCORE;
  });
}

function apgrOf(
  pairs: readonly JudgedPair[],
  scores: readonly number[],
  { resamples, seed }: TrainingOptions,
): ScoreModel['apgr'] {
  // Costs have no part in an APGR.
  const rows = pairs.map(({ cheap, strong }) => {
    const sent = { quality: strong, costUsd: 1 };
    return { kept: { quality: cheap, costUsd: 0 }, sent, strong: sent };
  });
  const scored = scoredRows(rows, scores);
  const value = curveFigures(scored).apgr;
  const intervals = bootstrapIntervals(rows.length, { resamples, seed }, (counts) => ({
    apgr: curveFigures(scored, counts).apgr,
  }));
  return value === undefined || intervals.apgr === undefined ? null : { value, ...intervals.apgr };
}
