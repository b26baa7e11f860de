import type { RequestSize } from '../../core/budget/call-bound.ts';
import type { Target } from '../../core/model/target.ts';
import { inputTokenBound } from '../../core/tokens/input-token-bound.ts';
import { profileOfModel } from '../../core/tokens/profile-of-model.ts';
import type { TokenEncoding, Tokenizer } from '../../ports/tokenizer.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';

/** Gives the tokenizer of an encoding. @internal */
export type TokenizerOf = (encoding: TokenEncoding) => Promise<Tokenizer>;

/**
 * Longer requests keep the bound by their bytes, in UTF-16 units: counting them would hold others up, and they are near the context window, which bounds
 * them as well.
 */
const MOST_CHARS = 300_000;

/**
 * How much a request sends to a target at the most, with its tokens counted: a quarter of the bound by bytes for ordinary text. Costs some 100
 * microseconds for each KB, so it is for calls whose money is tight.
 * @param byBytes - the bound that holds without counting.
 * @returns `byBytes` where counting gives nothing lower.
 * @internal
 */
export async function countedSize(
  request: DecodedRequest,
  target: Target,
  byBytes: RequestSize,
  vendor: string | undefined,
  tokenizerOf: TokenizerOf,
): Promise<RequestSize> {
  if (byBytes.kind === 'unbounded' || !byBytes.hasOutput || request.text.length > MOST_CHARS) return byBytes;
  const prompt = promptOf(request)?.prompt;
  if (prompt === undefined) return byBytes;
  const profile = profileOfModel({ model: target.model, provider: vendor, endpoint: request.endpoint });
  const tokenizer = await tokenizerOf(profile.encoding);
  const bound = inputTokenBound(prompt, profile, (text) => tokenizer.count(text));
  if (bound === undefined || bound >= byBytes.textTokens + byBytes.imageTokens) return byBytes;
  return { ...byBytes, textTokens: bound, imageTokens: 0 };
}
