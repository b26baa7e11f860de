import type { Prompt, PromptBlock } from '../model/prompt.ts';
import type { CountTokens } from '../tokens/count-tokens.ts';

/** How the parts of a prompt are counted. @public */
export interface PromptSizeOptions {
  /**
   * What a message costs beside its blocks, in tokens.
   * @defaultValue 4, as on OpenAI's models
   */
  readonly messageTokens?: number;
  /**
   * What a block that is not text costs, in tokens: an image, something opaque.
   * @defaultValue 1,100 for an image (a photo of a megapixel, on any provider), a quarter of the bytes for others
   */
  readonly otherTokens?: (block: Extract<PromptBlock, { readonly kind: 'image' | 'opaque' }>) => number;
}

/** Tokens of a prompt by its parts; an estimate that is good enough to choose by. @public */
export interface PromptSizes {
  /** Tools and the format of the answer. */
  readonly fixedTokens: number;
  /** By index of the message, blocks and all. */
  readonly messageTokens: readonly number[];
  readonly totalTokens: number;
}

/** The text of a block that is read by the model as text; undefined for images and what is opaque. @public */
export function blockText(block: PromptBlock): string | undefined {
  switch (block.kind) {
    case 'text':
    case 'tool-result':
    case 'reasoning':
      return block.text;
    case 'tool-call':
      return `${block.name}${block.argumentsText}`;
    case 'image':
    case 'opaque':
      return undefined;
  }
}

/** Counts a prompt, each text once. @public */
export function promptSizes(prompt: Prompt, count: CountTokens, options: PromptSizeOptions = {}): PromptSizes {
  const perMessage = options.messageTokens ?? 4;
  let fixedTokens = prompt.formatText === undefined ? 0 : count(prompt.formatText);
  for (const tool of prompt.tools) fixedTokens += count(tool.text);
  let totalTokens = fixedTokens;
  const messageTokens = prompt.messages.map(({ blocks }) => {
    let tokens = perMessage;
    for (const block of blocks) tokens += blockTokens(block, count, options);
    totalTokens += tokens;
    return tokens;
  });
  return { fixedTokens, messageTokens, totalTokens };
}

/** The tokens of one block. @public */
export function blockTokens(block: PromptBlock, count: CountTokens, options: PromptSizeOptions = {}): number {
  if (block.kind !== 'image' && block.kind !== 'opaque') return count(blockText(block) ?? '');
  if (options.otherTokens !== undefined) return options.otherTokens(block);
  return block.kind === 'image' ? 1100 : Math.ceil(block.sizeBytes / 4);
}
