import type { Prompt } from '../../core/model/prompt.ts';
import { parseTarget } from '../../core/model/target.ts';
import { vendorOfModel } from '../../core/model-catalogue.ts';
import type { CountTokens } from '../../core/tokens/count-tokens.ts';
import { estimateInputTokens, type TokenEstimate } from '../../core/tokens/estimate-input-tokens.ts';
import { profileOfModel, type TokenTarget } from '../../core/tokens/profile-of-model.ts';
import type { TokenProfile } from '../../core/tokens/token-profile.ts';
import type { Tokenizer } from '../../ports/tokenizer.ts';
import { countedInTurns } from '../../tokenizers/counted-in-turns.ts';
import { loadTokenizer } from '../../tokenizers/load-tokenizer.ts';
import type { PromptSubject } from './prompt-subject.ts';

/** How tokens of one model are counted. @internal */
export interface ModelCounter {
  readonly profile: TokenProfile;
  readonly tokenizer: Tokenizer;
  /** Tokens of the model: where it has no public vocabulary, those of another one times a factor. */
  readonly count: CountTokens;
}

/** How many tokens a subject has. @internal */
export type SubjectSize = Pick<TokenEstimate, 'isExact' | 'isPartial'> & { readonly tokens: number };

/** Loads what a model's tokens are counted with; `model` is a plain name or `provider/model`. @internal */
export async function modelCounter(model: string, subject: PromptSubject): Promise<ModelCounter> {
  const endpoint = subject.kind === 'text' ? undefined : subject.own.endpoint;
  const profile = profileOfModel({ ...targetOfModel(model), endpoint });
  const tokenizer = await loadTokenizer(profile.encoding);
  const count: CountTokens = (text) => Math.round(profile.textFactor * tokenizer.count(text));
  return { profile, tokenizer, count };
}

/** Whom a model name means, by the names of the price book. @internal */
export function targetOfModel(model: string): TokenTarget {
  return parseTarget(model) ?? { model, provider: vendorOfModel(model) };
}

/** Counts without holding the event loop. @internal */
export async function sizeOf(
  subject: PromptSubject,
  { profile, tokenizer }: ModelCounter,
  signal?: AbortSignal,
): Promise<SubjectSize> {
  if (subject.kind === 'text') {
    const counted = await tokenizer.countInTurns(subject.text, signal);
    return { tokens: Math.round(profile.textFactor * counted), isExact: profile.isExact, isPartial: false };
  }
  const { prompt } = subject.own.read;
  const run = (count: CountTokens): TokenEstimate => estimateInputTokens(prompt, profile, count);
  return sizeFrom(await countedInTurns(run, tokenizer, signal));
}

/** Counts a prompt at once. @internal */
export function promptTokens(prompt: Prompt, { profile, tokenizer }: ModelCounter): number {
  return estimateInputTokens(prompt, profile, (text) => tokenizer.count(text)).totalTokens;
}

function sizeFrom({ totalTokens, isExact, isPartial }: TokenEstimate): SubjectSize {
  return { tokens: totalTokens, isExact, isPartial };
}
