import { truncateToTokens } from '../compress/truncate-to-tokens.ts';
import type { Prompt } from '../model/prompt.ts';
import type { CountTokens } from '../tokens/count-tokens.ts';
import type { ConversationEdit } from './conversation-edit.ts';

/** No text is made shorter than this, in tokens: less says nothing. */
const LEAST_TOKENS = 16;

/** By how much texts are to be shortened. @internal */
export interface BlockShortening {
  readonly count: CountTokens;
  /** No text may be longer. */
  readonly capTokens?: number;
  /** So many tokens are to be saved in all: the longest texts are brought to one length. */
  readonly saveTokens?: number;
  /** Of results of tools what has to do with it is kept; else both ends. */
  readonly question?: string;
}

/** Texts that were shortened. @internal */
export interface ShortenedBlocks {
  readonly edits: readonly Extract<ConversationEdit, { readonly kind: 'replace-text' }>[];
  readonly savedTokens: number;
  readonly savedByMessage: ReadonlyMap<number, number>;
}

interface LongBlock {
  readonly message: number;
  readonly block: number;
  readonly text: string;
  readonly isResult: boolean;
  readonly tokens: number;
}

/**
 * Shortens the texts of some messages: words and results of tools. Reasoning (it may be signed), arguments of calls (they are JSON), images and what is
 * opaque stay.
 * @internal
 */
export function shortenedBlocks(prompt: Prompt, messages: readonly number[], by: BlockShortening): ShortenedBlocks {
  const none: ShortenedBlocks = { edits: [], savedTokens: 0, savedByMessage: new Map() };
  if (by.capTokens === undefined && (by.saveTokens ?? 0) <= 0) return none;
  const blocks = messages.flatMap((message) => longBlocks(prompt, message, by.count));
  const cap = Math.max(LEAST_TOKENS, by.capTokens ?? levelFor(blocks, by.saveTokens ?? 0));
  const edits: ShortenedBlocks['edits'][number][] = [];
  const savedByMessage = new Map<number, number>();
  let savedTokens = 0;
  for (const { message, block, text, isResult, tokens } of blocks) {
    if (tokens <= cap) continue;
    const question = isResult ? by.question : undefined;
    const shorter = truncateToTokens(text, cap, by.count, {
      keep: question === undefined ? 'both' : 'relevant',
      question,
    });
    // An empty block is refused by Anthropic.
    if (shorter.text.trim() === '' || shorter.tokensAfter >= tokens) continue;
    edits.push({ kind: 'replace-text', message, block, text: shorter.text });
    savedTokens += tokens - shorter.tokensAfter;
    savedByMessage.set(message, (savedByMessage.get(message) ?? 0) + tokens - shorter.tokensAfter);
  }
  return { edits, savedTokens, savedByMessage };
}

function longBlocks(prompt: Prompt, message: number, count: CountTokens): readonly LongBlock[] {
  return (prompt.messages[message]?.blocks ?? []).flatMap((block, index) => {
    if (block.kind !== 'text' && block.kind !== 'tool-result') return [];
    const { text } = block;
    // A token has one character at the least: shorter texts need no counting.
    if (text.length <= LEAST_TOKENS) return [];
    return [{ message, block: index, text, isResult: block.kind === 'tool-result', tokens: count(text) }];
  });
}

/** The length that saves so many tokens when no text is longer: water finds its level. */
function levelFor(blocks: readonly LongBlock[], saveTokens: number): number {
  const lengths = blocks.map(({ tokens }) => tokens).toSorted((left, right) => right - left);
  let above = 0;
  for (const [index, length] of lengths.entries()) {
    above += length;
    const next = lengths[index + 1] ?? 0;
    // With all of these at the level of the next one.
    if (above - next * (index + 1) >= saveTokens) return Math.floor((above - saveTokens) / (index + 1));
  }
  return 0;
}
