import type { NanoUsd } from '../money.ts';

/**
 * Why nothing in a request bounds what goes in. `stored-conversation`: it goes on from what the provider keeps, or runs there in the
 * background. `file`: a file by id or address, a PDF, a document that is cited from. `other-model`: the provider may answer with another
 * model. `added-passes`: the provider may run the model more than once, or bill text that it threw away. `unknown-content`: content of a
 * kind that is not known here.
 * @public
 */
export type UnboundedReason =
  | 'stored-conversation'
  | 'stored-prompt'
  | 'hosted-tools'
  | 'file'
  | 'audio'
  | 'video'
  | 'other-model'
  | 'added-passes'
  | 'unknown-content';

/** How much a request sends to a model, at the most. @public */
export type RequestSize =
  | {
      readonly kind: 'bounded';
      /** Everything but images, with what providers add around it. */
      readonly textTokens: number;
      /** What the images can be billed as, all together. */
      readonly imageTokens: number;
      /** Whether the model writes anything; not for embeddings and token counts. */
      readonly hasOutput: boolean;
    }
  | { readonly kind: 'unbounded'; readonly reason: UnboundedReason };

/** What a caller limits. @public */
export interface CallLimits {
  /** For one sample; undefined where the caller has none. */
  readonly maxOutputTokens: number | undefined;
  /** Answers asked for at once. */
  readonly samples: number;
}

/** What must be known of a model. @public */
export interface ModelLimits {
  /** The model's name at the provider, where it may be another than the caller asked for. */
  readonly name?: string;
  /** The widest window that the call can get, also by a header that asks for more; undefined: not known. */
  readonly contextWindowTokens: number | undefined;
  /** Undefined: not known. */
  readonly maxOutputTokens: number | undefined;
}

/** What a call can get to, or why that is not known. @public */
export type CallBound =
  | {
      readonly kind: 'bounded';
      readonly inputTokens: number;
      /** Of one sample. */
      readonly outputTokens: number;
      readonly samples: number;
      /** Whether `outputTokens` holds only if it is sent: the caller has no limit of its own. */
      readonly mustSendLimit: boolean;
      /** Whether the provider may do more than the tokens counted here, so that money for its tools must be held as well. */
      readonly needsToolAllowance: boolean;
    }
  | { readonly kind: 'unpriced'; readonly reason: 'max-output' | 'context-window' };

/** Models that search by themselves, whatever tools a request has: OpenAI's, Perplexity's, Groq's, and OpenRouter's suffix. */
const SEARCHING_MODEL = /-search(?:-|$)|deep-research|:online$|(?:^|\/)sonar|(?:^|\/)compound/i;

/** Whether a model, by its name, brings in what it finds by itself. @internal */
export function searchesByItself(model: string): boolean {
  return SEARCHING_MODEL.test(model);
}

/** No limit is lowered below this: an answer that is cut off so early is worth nothing. */
const LEAST_OUTPUT_TOKENS = 1024;

/**
 * The most that a call can send and get.
 *
 * Input is the request's own bound. Where the model's window is known the text in it counts no higher than the window, since providers
 * refuse what is longer; images come on top, since some are billed for more than they take of the window. A call without a bound fills the
 * window and needs an allowance for what the provider's tools do.
 *
 * Output is the caller's own limit, as it is: also above the model's maximum, which the provider would refuse or clamp. Else it is the
 * operator's default, which must then be sent, but no more than the model's maximum; else that maximum.
 * @param options - `defaultMaxOutputTokens`: the operator's limit for calls without one; undefined: none.
 * @public
 */
export function callBound(
  size: RequestSize,
  limits: CallLimits,
  model: ModelLimits,
  options: { readonly defaultMaxOutputTokens: number | undefined },
): CallBound {
  const { samples, maxOutputTokens: own } = limits;
  const needsToolAllowance = size.kind === 'unbounded' || searchesByItself(model.name ?? '');
  const window = model.contextWindowTokens;
  const inputTokens = size.kind === 'unbounded' || needsToolAllowance ? window : inputBound(size, window);
  if (inputTokens === undefined) return { kind: 'unpriced', reason: 'context-window' };
  if (size.kind === 'bounded' && !size.hasOutput) {
    return { kind: 'bounded', inputTokens, outputTokens: 0, samples, mustSendLimit: false, needsToolAllowance };
  }
  const byDefault = own === undefined ? options.defaultMaxOutputTokens : undefined;
  const outputTokens =
    byDefault === undefined ? (own ?? model.maxOutputTokens) : Math.min(byDefault, model.maxOutputTokens ?? byDefault);
  if (outputTokens === undefined) return { kind: 'unpriced', reason: 'max-output' };
  return {
    kind: 'bounded',
    inputTokens,
    outputTokens,
    samples,
    mustSendLimit: byDefault !== undefined,
    needsToolAllowance,
  };
}

function inputBound(
  { textTokens, imageTokens }: Extract<RequestSize, { readonly kind: 'bounded' }>,
  contextWindowTokens: number | undefined,
): number {
  return Math.min(textTokens, contextWindowTokens ?? textTokens) + imageTokens;
}

/**
 * The largest output limit whose price fits what is left of a budget.
 * @param boundAt - the call's upper bound under an output limit; must not fall as the limit rises. Undefined: not priced.
 * @param floorTokens - what the request needs at least, as for its thinking budget.
 * @returns at most `wantedOutputTokens`, and not below 1,024 or the floor unless that is what was wanted; undefined when not even that fits.
 * @public
 */
export function lowerOutput(
  boundAt: (outputTokens: number) => NanoUsd | undefined,
  wantedOutputTokens: number,
  availableNanoUsd: NanoUsd,
  floorTokens: number,
): number | undefined {
  const fits = (outputTokens: number): boolean => {
    const bound = boundAt(outputTokens);
    return bound !== undefined && bound <= availableNanoUsd;
  };
  if (fits(wantedOutputTokens)) return wantedOutputTokens;
  let low = Math.max(LEAST_OUTPUT_TOKENS, floorTokens);
  if (low >= wantedOutputTokens || !fits(low)) return undefined;
  let high = wantedOutputTokens;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}
