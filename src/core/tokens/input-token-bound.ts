import type { Prompt, PromptBlock, PromptTool } from '../model/prompt.ts';
import { callTokens } from './call-tokens.ts';
import type { CountTokens } from './count-tokens.ts';
import { frameTokens, imageBlockTokens, isKnownSize, isPartial, opaqueFactor } from './estimate-input-tokens.ts';
import { imageTokenBound } from './image-token-bound.ts';
import { modelImageFormula } from './model-image-formula.ts';
import { openaiToolsText } from './openai-tools-text.ts';
import { textTokenBound } from './text-token-bound.ts';
import type { TokenProfile } from './token-profile.ts';
import { UNKNOWN_RULES } from './token-rules.ts';

type ImageBlock = Extract<PromptBlock, { readonly kind: 'image' }>;

/** How a bound is above the estimate where the vocabulary is the model's own, and where it is not. */
interface Margins {
  /** Around the whole: what a provider may put there that was not seen yet. */
  readonly requestTokens: number;
  readonly messageTokens: number;
  /** For each call of a tool, and for each result. */
  readonly callTokens: number;
  /** Once where there are tools; for each of them. */
  readonly toolsTokens: number;
  readonly toolTokens: number;
  readonly formatTokens: number;
  /** Of the words that come with tools, which providers change now and then. */
  readonly toolWordsFactor: number;
}

/** Recordings were up to 18 tokens above the rules in a text, and 217 to 230 with tools: both on the Responses endpoint in its first weeks. */
const EXACT: Margins = {
  requestTokens: 20,
  messageTokens: 2,
  callTokens: 16,
  toolsTokens: 32,
  toolTokens: 4,
  formatTokens: 32,
  toolWordsFactor: 1.25,
};

const EXACT_RESPONSES: Margins = { ...EXACT, toolsTokens: 256 };

/** Preambles change with a model's version: 20 tokens more or less were seen. */
const ESTIMATED: Margins = {
  requestTokens: 32,
  messageTokens: 4,
  callTokens: 40,
  toolsTokens: 48,
  toolTokens: 16,
  formatTokens: 64,
  toolWordsFactor: 1.25,
};

/** What any provider was seen to put around a prompt (`requestSize` has the figures). */
const UNKNOWN: Margins = { ...ESTIMATED, requestTokens: 256, messageTokens: 8, toolsTokens: 1024, formatTokens: 256 };

/** For an image of a model without a formula: the most that open models make of one. */
const UNKNOWN_IMAGE_TOKENS = 16_384;

/** Signed thoughts came to at most a tenth more than their factor. */
const WORST_OPAQUE = 2;

/** Schemas are written in forms of their own: Gemini billed 741 tokens for one of 315 tokens as JSON, beyond the factor of its text. */
const WORST_SCHEMA = 1.5;

/** Patches of images were billed at most 3 % above their formulas. */
const IMAGE_MARGIN = 1.1;

/**
 * The most input tokens that a provider will bill for a prompt: for reservations. Far below one token a byte, and held by every recorded call; where the
 * vocabulary is not public it rests on measured factors, so take the smaller of this and the bound by bytes, and never this alone for what has no bound.
 *
 * What the prompt does not show, a request may still ask for (a stored conversation, several passes): `requestSize` says that, and must be asked first.
 * @returns undefined where the prompt holds what nothing here bounds: files, sound, tools of the provider's own.
 * @public
 */
export function inputTokenBound(prompt: Prompt, profile: TokenProfile, count: CountTokens): number | undefined {
  if (isPartial(prompt, profile)) return undefined;
  const margins = marginsOf(profile);
  const bounded = (text: string): number =>
    profile.isExact ? count(text) : textTokenBound(text, count(text), profile.worstTextFactor);
  let total = frameTokens(prompt, profile) + margins.requestTokens + profile.thinkingTokens;
  for (const { blocks, name } of prompt.messages) {
    total += margins.messageTokens + bounded(name ?? '');
    total += callsBound(blocks, profile, margins, bounded);
    for (const block of blocks) {
      if (block.kind !== 'tool-call') total += blockBound(block, profile, margins, bounded);
    }
  }
  total += toolsBound(prompt.tools, profile, margins, bounded);
  if (prompt.formatText !== undefined) {
    total += bounded(prompt.formatText) + profile.format.tokens + margins.formatTokens;
  }
  return Math.ceil(total);
}

function marginsOf({ id, isExact }: TokenProfile): Margins {
  if (id === UNKNOWN_RULES.id) return UNKNOWN;
  if (!isExact) return ESTIMATED;
  return id.endsWith('-responses') ? EXACT_RESPONSES : EXACT;
}

/** What the calls of tools in one message come to at most: each by itself, or all in one wrapper where the provider writes them so. */
function callsBound(
  blocks: readonly PromptBlock[],
  profile: TokenProfile,
  margins: Margins,
  bounded: CountTokens,
): number {
  const { perCallTokens, perArgumentTokens, wrapsParallel } = profile.calls;
  let each = 0;
  for (const block of blocks) {
    if (block.kind !== 'tool-call') continue;
    const named = 3 * bounded(block.name) + bounded(block.argumentsText);
    // An argument takes at least a quote or two and a colon of the text.
    const inElements = perArgumentTokens * (block.argumentsText.split(':').length - 1);
    each += named + inElements + Math.max(0, perCallTokens) + margins.callTokens;
  }
  return wrapsParallel ? Math.max(each, callTokens(blocks, profile, bounded)) : each;
}

function blockBound(
  block: Exclude<PromptBlock, { readonly kind: 'tool-call' }>,
  profile: TokenProfile,
  margins: Margins,
  bounded: CountTokens,
): number {
  switch (block.kind) {
    case 'text':
    case 'reasoning':
      return bounded(block.text) + margins.messageTokens;
    case 'tool-result':
      return bounded(block.text) + Math.max(0, profile.calls.perResultTokens) + margins.callTokens;
    case 'image':
      return imageBound(block, profile);
    case 'opaque':
      return WORST_OPAQUE * (opaqueFactor(block.type, profile) ?? 1) * block.sizeBytes;
  }
}

function imageBound(block: ImageBlock, profile: TokenProfile): number {
  const formula = modelImageFormula(profile.model, block.detail);
  if (formula === undefined) return UNKNOWN_IMAGE_TOKENS;
  if (!isKnownSize(block)) return imageTokenBound(formula);
  return Math.ceil(IMAGE_MARGIN * imageBlockTokens(block, profile));
}

function toolsBound(
  tools: readonly PromptTool[],
  { tools: billing, isExact }: TokenProfile,
  margins: Margins,
  bounded: CountTokens,
): number {
  if (tools.length === 0) return 0;
  const words =
    Math.max(billing.firstToolTokens, billing.firstToolWithSystemTokens) +
    Math.max(0, billing.mustCallTokens) +
    billing.withArgumentsTokens +
    Math.max(0, billing.perToolTokens) * tools.length;
  const json = tools.reduce((sum, { text }) => sum + bounded(text), 0);
  // Declarations write references out, which JSON does not.
  const written = Math.max(json, bounded(openaiToolsText(tools)));
  return (
    margins.toolsTokens +
    margins.toolTokens * tools.length +
    margins.toolWordsFactor * words +
    (isExact ? 1 : Math.max(WORST_SCHEMA, billing.factor)) * written
  );
}
