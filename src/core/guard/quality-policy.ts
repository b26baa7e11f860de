import type { Target } from '../model/target.ts';
import type { AnswerCheck, AnswerForm, AnswerTest } from '../verify/answer-check.ts';

/**
 * How an answer is worth more or less than another one, from 0 to 1.
 *
 * - `exact`: the strong target's answer is taken for right; another one is worth 1 where it says the same, else 0. Counts every difference as a loss.
 * - `checks`: an answer that passes all of them is worth 1, else 0.
 * - `model`: a model is shown both answers, in both orders. A preference that holds in both is a loss or gain of 1; else they are equals.
 * - `test`: a program's own check; an answer that passes is worth 1, else 0.
 *
 * Answers that say the same are equals without being judged.
 * @public
 */
export type Judge =
  | { readonly kind: 'exact'; readonly form: AnswerForm }
  | { readonly kind: 'checks'; readonly checks: readonly AnswerCheck[] }
  | { readonly kind: 'model'; readonly target: Target; readonly instructions: string | undefined }
  | { readonly kind: 'test'; readonly test: AnswerTest };

/** What an operator allows a route to lose, and how it is watched. @public */
export interface QualityPolicy {
  /**
   * Most mean loss of quality against the strong target over all calls of the route, as a share: 0.02 is two answers in a hundred that are worse, net of
   * those that are better. A mean: single answers may be worse.
   */
  readonly maxQualityLoss: number;
  /**
   * How sure it must be before a cheaper target answers: 0.95 is at most one false certificate in twenty calibrations of a target that loses more.
   * @defaultValue 0.95
   */
  readonly confidenceRatio: number;
  /** Share of the strong target's calls that a cheaper one answers too, unseen, until it is certified; see `TurnDraws`. @defaultValue 0.1 */
  readonly calibrateRatio: number;
  /** Share of the cheaper target's calls that the strong one answers too, unseen, once it is certified; see `TurnDraws`. @defaultValue 0.02 */
  readonly sampleRatio: number;
  readonly judge: Judge;
}

/** Shares and confidence where the operator says nothing. A 2 % sample costs 1 to 3 % of what always-strong would (facts of routing). @public */
export const DEFAULT_QUALITY: Pick<QualityPolicy, 'confidenceRatio' | 'calibrateRatio' | 'sampleRatio'> = {
  confidenceRatio: 0.95,
  calibrateRatio: 0.1,
  sampleRatio: 0.02,
};
