import type { RequestPrompt } from './request-prompt.ts';

/** Blocks and tools of a prompt. Going through one costs up to 20 microseconds: so many hold up other calls for a tenth of a second. Ours. */
const MOST_PIECES = 5000;

/** Whether a prompt is one that can be gone through piece by piece without holding up other calls. Longer conversations have been cut long before. @public */
export function isManageable({ prompt }: RequestPrompt): boolean {
  let pieces = prompt.tools.length;
  for (const { blocks } of prompt.messages) pieces += blocks.length + 1;
  return pieces <= MOST_PIECES;
}
