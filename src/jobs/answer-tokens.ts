import { inputTokensOf, outputTokensOf, type Usage } from '../core/model/usage.ts';

/** What an answer took, as tables of outcomes state it: with a price, its cost. @internal */
export interface AnswerTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Undefined where nothing was stated: no answer takes no tokens. @internal */
export function answerTokens(usage: Usage): AnswerTokens | undefined {
  const [inputTokens, outputTokens] = [inputTokensOf(usage), outputTokensOf(usage)];
  return inputTokens + outputTokens === 0 ? undefined : { inputTokens, outputTokens };
}
