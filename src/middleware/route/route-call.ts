import type { RouteCall } from '../../core/route/match-route.ts';
import { latestUserText } from '../../core/route/latest-user-text.ts';
import type { RouteMatch } from '../../core/route/route-rule.ts';
import type { Target } from '../../core/model/target.ts';
import { estimateInputTokens } from '../../core/tokens/estimate-input-tokens.ts';
import { profileOfModel } from '../../core/tokens/profile-of-model.ts';
import type { TokenEncoding, Tokenizer } from '../../ports/tokenizer.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';
import { structuredFormat } from '../../wire/structured-format.ts';
import type { Call } from '../compose.ts';

/** What facts of a call are found out with. @internal */
export interface RouteCallOptions {
  readonly tokenizerOf: (encoding: TokenEncoding) => Promise<Tokenizer>;
  readonly vendorOf: (target: Target) => string | undefined;
  /** Undefined where no rule names a language. */
  readonly languageOf: ((text: string) => string | undefined) | undefined;
}

/** Longer requests are estimated by their bytes, in UTF-16 units: counting rare Chinese, the slowest text, would hold others up for more than 40 ms. */
const MOST_COUNTED_CHARS = 120_000;

/** UTF-8 bytes a token, for what is not counted; English prose has 4 to 4.5 on current vocabularies. */
const BYTES_PER_TOKEN = 4;

/** Whether a rule needs tokens to be counted. @internal */
export function countsTokens({ minInputTokens, maxInputTokens }: RouteMatch): boolean {
  return minInputTokens !== undefined || maxInputTokens !== undefined;
}

/**
 * A call as rules see it. Tokens are counted as the model asked for has them, since what a rule says of them must not depend on where it leads.
 * @param isCounting - whether a rule may ask for tokens: then the vocabulary is loaded before.
 * @internal
 */
export async function routeCall(
  call: Call,
  request: DecodedRequest,
  asked: Target,
  isCounting: boolean,
  options: RouteCallOptions,
): Promise<RouteCall> {
  const profile = profileOfModel({ model: asked.model, provider: options.vendorOf(asked), endpoint: call.endpoint });
  const tokenizer = isCounting ? await options.tokenizerOf(profile.encoding) : undefined;
  return {
    model: request.model,
    tags: call.state.tags,
    endpoint: call.endpoint,
    toolNames: () => promptOf(request)?.prompt.tools.map(({ name }) => name) ?? [],
    get hasSchema() {
      return structuredFormat(request)?.schema !== undefined;
    },
    inputTokens: () => {
      const prompt = promptOf(request)?.prompt;
      if (tokenizer === undefined || prompt === undefined || request.text.length > MOST_COUNTED_CHARS)
        return Math.ceil(call.body.byteLength / BYTES_PER_TOKEN);
      return estimateInputTokens(prompt, profile, (text) => tokenizer.count(text)).totalTokens;
    },
    language: () => options.languageOf?.(userText(request)),
  };
}

/** The user's latest words; '' where there are none. @internal */
export function userText(request: DecodedRequest): string {
  const prompt = promptOf(request)?.prompt;
  return prompt === undefined ? '' : latestUserText(prompt);
}
