import type { Prompt, PromptBlock, PromptMessage } from '../model/prompt.ts';
import type { CountTokens } from './count-tokens.ts';
import { imageTokens, type ImageSize } from './image-formula.ts';
import { imageSize } from './image-size.ts';
import { modelImageFormula } from './model-image-formula.ts';
import { formatText } from './openai-format-text.ts';
import { callTokens } from './call-tokens.ts';
import { promptToolTokens } from './prompt-tool-tokens.ts';
import type { TokenProfile } from './token-profile.ts';

type ImageBlock = Extract<PromptBlock, { readonly kind: 'image' }>;

/** How many input tokens a prompt comes to, and what they are for. @public */
export interface TokenEstimate {
  /** The sum of the parts. */
  readonly totalTokens: number;
  /** What was said: texts, calls and results of tools. */
  readonly messageTokens: number;
  /** The tools on offer, with the words that come with them. */
  readonly toolTokens: number;
  readonly imageTokens: number;
  /** The schema that the answer must have. */
  readonly formatTokens: number;
  /** Marks around messages and around the whole. */
  readonly constantTokens: number;
  /** Whether it is counted to the token: text alone, in a public vocabulary, in a known frame. */
  readonly isExact: boolean;
  /** Whether the prompt holds what cannot be counted here: files, sound, tools of the provider's own. */
  readonly isPartial: boolean;
}

/** Taken for an image that the provider fetches, of which nothing says the size. Recorded ones were billed as 158 to 284 tokens, which this size comes to. */
const DISTANT_IMAGE: ImageSize = { width: 384, height: 384 };

/**
 * Estimates the input tokens that a provider will bill for a prompt. What cannot be counted counts nothing, and is said by `isPartial`.
 * @param count - counts in the profile's `encoding`.
 * @public
 */
export function estimateInputTokens(prompt: Prompt, profile: TokenProfile, count: CountTokens): TokenEstimate {
  const messages = prompt.messages.filter((message) => !isEmptySystem(message));
  let said = 0;
  let images = 0;
  for (const { name, blocks } of messages) {
    said += profile.textFactor * count(name ?? '') + callTokens(blocks, profile, count);
    for (const block of blocks) {
      said += blockTokens(block, profile, count);
      if (block.kind === 'image') images += imageBlockTokens(block, profile);
    }
  }
  const parts = {
    messageTokens: Math.round(said),
    toolTokens: Math.round(promptToolTokens(prompt, profile.tools, count)),
    imageTokens: Math.round(images),
    formatTokens: Math.round(formatTokens(prompt, profile, count)),
    constantTokens: frameTokens(prompt, profile),
  };
  return {
    totalTokens: Object.values(parts).reduce((sum, tokens) => sum + tokens, 0),
    ...parts,
    isExact: profile.isExact && isTextAlone(prompt),
    isPartial: isPartial(prompt, profile),
  };
}

/** Names are framed by rules that no recording has shown. */
function isTextAlone({ messages, tools, formatText: format }: Prompt): boolean {
  const isText = messages.every(
    ({ name, blocks }) => name === undefined && blocks.every(({ kind }) => kind === 'text'),
  );
  return isText && tools.length === 0 && format === undefined;
}

/** Whether a prompt holds what cannot be counted here. @internal */
export function isPartial({ messages, tools }: Prompt, profile: TokenProfile): boolean {
  const isUnknown = (block: PromptBlock): boolean =>
    block.kind === 'opaque' && opaqueFactor(block.type, profile) === undefined;
  return tools.some(({ kind }) => kind === 'hosted') || messages.some(({ blocks }) => blocks.some(isUnknown));
}

/** Tokens for a byte of an opaque block, where that is known. @internal */
export function opaqueFactor(type: string, { opaqueFactors }: TokenProfile): number | undefined {
  return Object.hasOwn(opaqueFactors, type) ? opaqueFactors[type] : undefined;
}

/** Empty instructions make no message. */
function isEmptySystem({ role, blocks }: PromptMessage): boolean {
  return role === 'system' && blocks.every((block) => block.kind === 'text' && block.text === '');
}

function blockTokens(block: PromptBlock, profile: TokenProfile, count: CountTokens): number {
  switch (block.kind) {
    case 'text':
      return profile.textFactor * count(block.text);
    case 'tool-result':
      return profile.textFactor * count(block.text) + profile.calls.perResultTokens;
    case 'opaque':
      return (opaqueFactor(block.type, profile) ?? 0) * block.sizeBytes;
    // Thoughts that are given back are not billed, but for those that are opaque.
    case 'reasoning':
    case 'tool-call':
    case 'image':
      return 0;
  }
}

/** An image by its size, where a formula is known. @internal */
export function imageBlockTokens(block: ImageBlock, profile: TokenProfile): number {
  const formula = modelImageFormula(profile.model, block.detail);
  return formula === undefined ? profile.imageTokens : imageTokens(sizeOf(block) ?? DISTANT_IMAGE, formula);
}

/** Whether an image's size can be known. @internal */
export function isKnownSize(block: ImageBlock): boolean {
  return sizeOf(block) !== undefined;
}

function sizeOf({ width, height, data }: ImageBlock): ImageSize | undefined {
  if (width !== undefined && height !== undefined) return { width, height };
  return data === undefined ? undefined : imageSize(data);
}

function formatTokens({ formatText: format }: Prompt, profile: TokenProfile, count: CountTokens): number {
  const { factor, tokens } = profile.format;
  if (format === undefined || factor === 0) return 0;
  const shown = formatText(format, profile.tools.form === 'typescript');
  return shown === '' ? 0 : factor * count(shown) + tokens;
}

/** Marks around the messages and around the whole. @internal */
export function frameTokens(prompt: Prompt, profile: TokenProfile): number {
  const messages = prompt.messages.filter((message) => !isEmptySystem(message));
  const systems = messages.filter(({ role }) => role === 'system').length;
  const names = messages.filter(({ name }) => name !== undefined).length;
  return (
    profile.requestTokens +
    systems * profile.systemTokens +
    (messages.length - systems) * profile.messageTokens +
    names +
    (prompt.thinks === true ? profile.thinkingTokens : 0)
  );
}
