import type { Prompt, PromptBlock, PromptMessage } from '../model/prompt.ts';
import type { ConversationEdit } from './conversation-edit.ts';

/** What is to be summed up, and under which key the summary is kept. @public */
export interface SummaryPlan {
  /** Indexes of the messages that the summary stands for, in order. */
  readonly messages: readonly number[];
  /** What the summariser reads: who said what. */
  readonly transcript: string;
  /** Of the transcript: the same turns have the same key, in whatever conversation. */
  readonly key: string;
}

/** Goes up when the same turns would be told otherwise. */
const TRANSCRIPT_VERSION = 'transcript@1';

/** Begins what stands in place of the turns that were summed up. */
const SUMMARY_MARK = '[Summary of the conversation up to here:';

const SPEAKERS: Readonly<Record<PromptMessage['role'], string>> = {
  system: 'System',
  user: 'User',
  assistant: 'Assistant',
  tool: 'Tool',
};

/**
 * Plans a summary of turns that a cut takes out (`historyCut`): they change in steps only, so that one summary serves many calls.
 * @param dropped - indexes of messages, in order
 * @param hash - of a text, such as SHA-256 as hex
 * @returns undefined where there is nothing to sum up, or no place to put a summary: no words of the user stay before the turns.
 * @public
 */
export function summaryPlan(
  prompt: Prompt,
  dropped: readonly number[],
  hash: (text: string) => string,
): SummaryPlan | undefined {
  const transcript = dropped
    .map((index) => prompt.messages[index])
    .flatMap((message) => (message === undefined ? [] : [told(message)]))
    .filter((text) => text !== '')
    .join('\n\n');
  if (transcript === '' || placeFor(prompt, dropped) === undefined) return undefined;
  return { messages: dropped, transcript, key: hash(`${TRANSCRIPT_VERSION}\n${transcript}`) };
}

/** The edits that put a summary in the place of what it sums up: behind the words of the user that stay before it. @public */
export function summaryEdits(prompt: Prompt, plan: SummaryPlan, summary: string): readonly ConversationEdit[] {
  const place = placeFor(prompt, plan.messages);
  if (place === undefined) return [];
  const text = `${place.text}\n\n${SUMMARY_MARK}\n${summary.trim()}]`;
  const drops = plan.messages.map((message) => ({ kind: 'drop-message', message }) as const);
  return [{ kind: 'replace-text', message: place.message, block: place.block, text }, ...drops];
}

/** The last text of the user that stays before the first message that goes. */
function placeFor(
  prompt: Prompt,
  dropped: readonly number[],
): { readonly message: number; readonly block: number; readonly text: string } | undefined {
  for (let message = (dropped[0] ?? 0) - 1; message >= 0; message -= 1) {
    const { role, blocks } = prompt.messages[message] as PromptMessage;
    const block = role === 'user' ? blocks.findLastIndex(({ kind }) => kind === 'text') : -1;
    const found = blocks[block];
    if (found?.kind === 'text') return { message, block, text: found.text };
  }
  return undefined;
}

function told({ role, blocks }: PromptMessage): string {
  return blocks
    .map((block) => toldBlock(SPEAKERS[role], block))
    .filter((line) => line !== '')
    .join('\n');
}

/** Reasoning is left out: what came of it was said. */
function toldBlock(speaker: string, block: PromptBlock): string {
  switch (block.kind) {
    case 'text':
      return block.text.trim() === '' ? '' : `${speaker}: ${block.text.trim()}`;
    case 'tool-call':
      return `${speaker} calls ${block.name}: ${block.argumentsText}`;
    case 'tool-result':
      return `Result: ${block.text.trim()}`;
    case 'image':
      return `${speaker}: (an image)`;
    case 'opaque':
      return `${speaker}: (${block.type})`;
    case 'reasoning':
      return '';
  }
}
