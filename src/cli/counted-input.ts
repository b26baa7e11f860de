import type { Prompt } from '../core/model/prompt.ts';
import { type CalibrationState, calibratedTokens, errorOf } from '../core/tokens/calibration.ts';
import { estimateInputTokens, type TokenEstimate } from '../core/tokens/estimate-input-tokens.ts';
import { inputTokenBound } from '../core/tokens/input-token-bound.ts';
import { profileOfModel, type TokenTarget } from '../core/tokens/profile-of-model.ts';
import { textTokenBound } from '../core/tokens/text-token-bound.ts';
import { countedInTurns } from '../tokenizers/counted-in-turns.ts';
import { loadTokenizer } from '../tokenizers/load-tokenizer.ts';
import type { TokenInput } from './token-input.ts';

/** What was counted in one file. @internal */
export interface CountedInput {
  /** By all that is known: after calibration, where there is any. */
  readonly tokens: number;
  /** Whether that is to the token. */
  readonly isExact: boolean;
  /** Whether it holds what cannot be counted: files, sound, tools of the provider's own. */
  readonly isPartial: boolean;
  /** How far off nine of ten counts are at the most, as a ratio; 0 where exact. */
  readonly expectedErrorRatio: number;
  /** Calls that taught the error; 0: it is that of recorded calls of the family. */
  readonly calibrationCalls: number;
  /** The most that will be billed; undefined where nothing bounds it. */
  readonly boundTokens: number | undefined;
  /** The parts before calibration; undefined for a text alone. */
  readonly parts: TokenEstimate | undefined;
}

/**
 * Counts what a file holds, for a target.
 * @param calibration - what was learnt from the target's replies.
 * @internal
 */
export async function countedInput(
  input: TokenInput,
  target: TokenTarget,
  calibration: CalibrationState,
): Promise<CountedInput> {
  const profile = profileOfModel(target);
  const tokenizer = await loadTokenizer(profile.encoding);
  if (input.kind === 'text') {
    const counted = await tokenizer.countInTurns(input.text);
    return {
      tokens: Math.round(profile.textFactor * counted),
      isExact: profile.isExact,
      isPartial: false,
      expectedErrorRatio: profile.isExact ? 0 : profile.expectedErrorRatio,
      calibrationCalls: 0,
      boundTokens: profile.isExact ? counted : textTokenBound(input.text, counted, profile.worstTextFactor),
      parts: undefined,
    };
  }
  const { prompt } = input.own.read;
  const [parts, boundTokens] = await countedInTurns(
    (count) => [estimateInputTokens(prompt, profile, count), inputTokenBound(prompt, profile, count)] as const,
    tokenizer,
  );
  return { ...calibrated(prompt, parts, target, profile.expectedErrorRatio, calibration), boundTokens, parts };
}

/** Exact counts stay; others are brought to what was billed for the same target before. */
function calibrated(
  prompt: Prompt,
  { totalTokens, isExact, isPartial }: TokenEstimate,
  { provider, model }: TokenTarget,
  expectedErrorRatio: number,
  calibration: CalibrationState,
): Omit<CountedInput, 'parts' | 'boundTokens'> {
  const name = provider === undefined ? model : `${provider}/${model}`;
  const hasTools = prompt.tools.length > 0;
  const known = errorOf(calibration, name, hasTools);
  if (isExact) return { tokens: totalTokens, isExact, isPartial, expectedErrorRatio: 0, calibrationCalls: 0 };
  return {
    tokens: calibratedTokens(calibration, { target: name, hasTools, estimateTokens: totalTokens }),
    isExact,
    isPartial,
    expectedErrorRatio: known?.medianRatio ?? expectedErrorRatio,
    calibrationCalls: known?.calls ?? 0,
  };
}
