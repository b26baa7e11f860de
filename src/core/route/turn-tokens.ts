import { blockText } from '../conversation/prompt-sizes.ts';
import type { Prompt } from '../model/prompt.ts';

/** UTF-16 units a token of English prose, which has most of them: other texts come to more tokens. */
const CHARS_PER_TOKEN = 4;

/**
 * By how many tokens a conversation has grown since its last turn: the latest answer and what stands behind it. An estimate that is rather too low; images
 * and files count nothing.
 * @public
 */
export function turnTokens({ messages }: Prompt): number {
  let chars = 0;
  let hasAnswer = false;
  for (const { role, blocks } of messages.toReversed()) {
    if (hasAnswer && role !== 'assistant') break;
    hasAnswer ||= role === 'assistant';
    for (const block of blocks) chars += blockText(block)?.length ?? 0;
  }
  return Math.floor(chars / CHARS_PER_TOKEN);
}
