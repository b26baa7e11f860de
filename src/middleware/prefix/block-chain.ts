import type { PrefixBlock as ChainBlock } from '../../core/prefix/prefix-block.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { type PrefixBlock, prefixBlocks } from '../../wire/prompt/prefix-blocks.ts';
import type { RequestPrompt } from '../../wire/prompt/request-prompt.ts';

/** A prompt as providers cache it: blocks, each with the prefix that it ends. @internal */
export interface BlockChain {
  /** In the request. */
  readonly blocks: readonly PrefixBlock[];
  /** The same with their tokens, as far as bytes tell. */
  readonly chain: readonly ChainBlock[];
  /** Depths at which tools and system end. */
  readonly sectionDepths: readonly number[];
  /** Of what is counted by its bytes. */
  readonly textBytes: number;
  readonly tokens: number;
}

/** An image of about a megapixel, on any provider; its bytes say nothing. */
const IMAGE_TOKENS = 1100;

/** Reads the chain of a request's blocks. @param tokensPerByte - what the target's usage has shown. */
export function blockChain(
  request: DecodedRequest,
  read: RequestPrompt,
  tokensPerByte: number,
  hash: (text: string) => string,
): BlockChain {
  const blocks = prefixBlocks(request, read, hash);
  let textBytes = 0;
  let tokens = 0;
  const chain = blocks.map((block) => {
    const isPicture = isImage(block, read);
    if (!isPicture) textBytes += block.sizeBytes;
    const own = isPicture ? IMAGE_TOKENS : Math.max(1, Math.round(block.sizeBytes * tokensPerByte));
    tokens += own;
    return { key: block.key, tokens: own };
  });
  const sectionDepths = blocks.flatMap(({ level }, index) => {
    const next = blocks[index + 1]?.level;
    return next !== undefined && next !== level ? [index + 1] : [];
  });
  return { blocks, chain, sectionDepths, textBytes, tokens };
}

/** Whether a block is nothing but an image. */
function isImage({ source }: PrefixBlock, { prompt }: RequestPrompt): boolean {
  if (source.kind === 'tool') return false;
  const blocks = prompt.messages[source.message]?.blocks ?? [];
  return source.blocks.length > 0 && source.blocks.every((block) => blocks[block]?.kind === 'image');
}
