import type { DecodedRequest } from '../decoded-request.ts';
import type { JsonPath } from './json-ranges.ts';
import { markPath } from './mark-path.ts';
import { prefixPieces, type PrefixSource } from './prefix-pieces.ts';
import { type PrefixLevel, prefixSettings } from './prefix-settings.ts';
import type { RequestPrompt } from './request-prompt.ts';
import { textBytes } from './text-bytes.ts';

/** One block of a prompt, and the prefix that ends with it. @public */
export interface PrefixBlock {
  /** Names the whole prefix up to the end of this block: the same key, the same prefix, whatever comes behind it. Models and providers are not in it. */
  readonly key: string;
  readonly level: PrefixLevel;
  /** The block in the request. */
  readonly path: JsonPath;
  /** Where a breakpoint that ends the prefix here can be put, for `breakpointEdit`; undefined where the provider takes none. */
  readonly markPath: JsonPath | undefined;
  /** The same block in the prompt, to count its tokens by. */
  readonly source: PrefixSource;
  /** UTF-8 bytes of the block as it was written. */
  readonly sizeBytes: number;
}

/** Changed whenever keys are made in another way, so that old ones are never taken for new ones. */
const KEY_VERSION = 'prefix-1';

/**
 * The chain of blocks behind which a cached prefix can end, in the provider's order: tools, system, messages. The key of a block depends on all blocks up to it and
 * on what else of the request the provider's cache depends on, and on nothing behind it. So two requests share a prefix exactly as far as their keys are the same,
 * and a conversation that goes on repeats its keys.
 * @param hash - A digest like SHA-256, as a short string. Called once a block, with the key before it and the block's text.
 * @public
 */
export function prefixBlocks(
  request: DecodedRequest,
  read: RequestPrompt,
  hash: (text: string) => string,
): readonly PrefixBlock[] {
  // Tokens are counted of the prompt that would be sent.
  const endpoint = request.endpoint === 'count-tokens' ? 'messages' : request.endpoint;
  let key = `${KEY_VERSION} ${endpoint}`;
  return prefixPieces(request, read, prefixSettings(request, read)).map(({ level, path, source, text }) => {
    key = hash(`${key}\n${level}\n${text}`);
    return { key, level, path, markPath: markPath(request, path), source, sizeBytes: textBytes(text) };
  });
}
