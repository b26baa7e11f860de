import { lexicalRelevance } from '../compress/lexical-relevance.ts';
import type { Prompt } from '../model/prompt.ts';
import type { CountTokens } from '../tokens/count-tokens.ts';
import type { ConversationEdit } from './conversation-edit.ts';
import { type ConversationUnit, conversationUnits } from './conversation-units.ts';
import { blockText, promptSizes, type PromptSizeOptions, type PromptSizes } from './prompt-sizes.ts';
import { shortenedBlocks } from './shortened-blocks.ts';

/** How a conversation is shortened. @public */
export interface ConversationTruncationOptions extends PromptSizeOptions {
  /**
   * So many of the last replies stay whole as long as anything else can go.
   * @defaultValue 2
   */
  readonly keepLastReplies?: number;
  /**
   * The most that one text in the middle may take of the limit before anything else goes, as a share: one dump of a tool must not push out all else.
   * @defaultValue 0.25
   */
  readonly maxBlockRatio?: number;
}

/** What is done to a conversation so that it is short enough. @public */
export interface ConversationTruncation {
  /** Dropped messages and shortened texts; none where it was short enough. */
  readonly edits: readonly ConversationEdit[];
  readonly tokensBefore: number;
  readonly tokensAfter: number;
  /** False: what must stay is longer than the limit; the edits bring it as near as they can. */
  readonly fits: boolean;
}

/**
 * Shortens a conversation to so many tokens at the most. System messages, the first turn and the last one stay; from the middle go first whole turns, then
 * rounds of tool calls (all calls of an answer with all their results, never one without the other), those that have least to do with the last words of the
 * user and lie farthest from both ends before others. If that is not enough, the longest texts are shortened: results of tools and older words first, the
 * last words of the user at the very end, system messages never. What is left is an order of roles that providers take.
 *
 * Deterministic; n log n. For conversations that go on, `historyCut` keeps the beginning of the prompt in the provider's cache; this does not.
 * @public
 */
export function truncateConversation(
  prompt: Prompt,
  maxTokens: number,
  count: CountTokens,
  options: ConversationTruncationOptions = {},
): ConversationTruncation {
  const sizes = promptSizes(prompt, count, options);
  const tokensBefore = sizes.totalTokens;
  if (tokensBefore <= maxTokens) return { edits: [], tokensBefore, tokensAfter: tokensBefore, fits: true };
  const units = conversationUnits(prompt.messages);
  const stays = essentialUnits(units, options.keepLastReplies ?? 2);
  const middle = units.filter((_, index) => stays[index] !== true);
  // Dumps first: each may save a turn that would have to go for it.
  const cap = Math.floor(maxTokens * (options.maxBlockRatio ?? 0.25));
  const capped = shortenedBlocks(prompt, messagesOf(middle), { count, capTokens: cap });
  const candidates = droppable(prompt, units, stays, sizes, capped.savedByMessage);
  const dropped = chosenUnits(candidates, tokensBefore - capped.savedTokens - maxTokens);
  const gone = new Set(messagesOf(dropped.flatMap(({ units: all }) => all)));
  const keptCaps = capped.edits.filter(({ message }) => !gone.has(message));
  const drops: readonly ConversationEdit[] = [...gone].map((message) => ({ kind: 'drop-message', message }));
  const left = remaining(sizes, gone, capped.savedByMessage);
  if (left <= maxTokens)
    return { edits: inOrder([...drops, ...keptCaps]), tokensBefore, tokensAfter: left, fits: true };
  return withShorterTexts(prompt, units, { drops, gone, tokensBefore, left, maxTokens, count, sizes });
}

/** Units that never go: system messages, asks and answers of the first and the last turn, the last replies with the tools that they call. */
function essentialUnits(units: readonly ConversationUnit[], keepLastReplies: number): readonly boolean[] {
  const lastTurn = units.findLast(({ kind }) => kind !== 'system')?.turn ?? -1;
  const firstTurn = units.find(({ kind }) => kind === 'ask')?.turn ?? -1;
  let repliesLeft = keepLastReplies;
  const stays = units.map(() => false);
  for (let index = units.length - 1; index >= 0; index -= 1) {
    const unit = units[index];
    if (unit === undefined) continue;
    const isLastReply = unit.kind === 'reply' && (repliesLeft > 0 || index === units.length - 1);
    if (unit.kind === 'reply') repliesLeft -= 1;
    const isEnd = unit.turn === firstTurn || unit.turn === lastTurn;
    stays[index] = unit.kind === 'system' || (isEnd && (unit.kind === 'ask' || !unit.hasTools)) || isLastReply;
  }
  return stays;
}

/** What goes at once, and what it is worth. */
interface Candidate {
  readonly units: readonly ConversationUnit[];
  readonly tokens: number;
  readonly value: number;
}

/**
 * Whole turns of the middle, or rounds of tool calls in turns that stay. A turn of which a part is essential is no candidate as a whole: a reply would be
 * left without what it replies to, or two asks without a reply between them.
 */
function droppable(
  prompt: Prompt,
  units: readonly ConversationUnit[],
  stays: readonly boolean[],
  sizes: PromptSizes,
  saved: ReadonlyMap<number, number>,
): readonly Candidate[] {
  const essentialTurns = new Set(
    units.filter((unit, index) => stays[index] === true && unit.turn >= 0).map(({ turn }) => turn),
  );
  const groups = new Map<string, ConversationUnit[]>();
  for (const [index, unit] of units.entries()) {
    if (stays[index] === true || unit.turn < 0) continue;
    if (essentialTurns.has(unit.turn) && !(unit.kind === 'reply' && unit.hasTools)) continue;
    const key = essentialTurns.has(unit.turn) ? `unit ${index}` : `turn ${unit.turn}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [unit]);
    else group.push(unit);
  }
  const all = [...groups.values()];
  const relevance = lexicalRelevance(
    all.map((group) => textOf(prompt, messagesOf(group))),
    lastWords(prompt),
  );
  const best = Math.max(...relevance, 1e-9);
  return all.map((group, index) => {
    const messages = messagesOf(group);
    const tokens = messages.reduce((sum, at) => sum + (sizes.messageTokens[at] ?? 0) - (saved.get(at) ?? 0), 0);
    // In the middle nothing is added, at the two ends as much as half of the most relevant candidate has.
    const place = all.length === 1 ? 0 : Math.abs(index / (all.length - 1) - 0.5);
    return { units: group, tokens, value: (relevance[index] ?? 0) / best + place };
  });
}

/** The least valuable ones that together save enough; of these the most valuable come back where they are not needed. */
function chosenUnits(candidates: readonly Candidate[], surplus: number): readonly Candidate[] {
  const ranked = candidates.toSorted((left, right) => left.value - right.value);
  const chosen: Candidate[] = [];
  let saved = 0;
  for (const candidate of ranked) {
    if (saved >= surplus) break;
    chosen.push(candidate);
    saved += candidate.tokens;
  }
  return chosen.toReversed().filter((candidate) => {
    if (saved - candidate.tokens < surplus) return true;
    saved -= candidate.tokens;
    return false;
  });
}

interface Shortening {
  readonly drops: readonly ConversationEdit[];
  readonly gone: ReadonlySet<number>;
  readonly tokensBefore: number;
  readonly left: number;
  readonly maxTokens: number;
  readonly count: CountTokens;
  readonly sizes: PromptSizes;
}

/** All that may go is gone, and it is still too long: the longest texts are shortened, all to about one length. */
function withShorterTexts(
  prompt: Prompt,
  units: readonly ConversationUnit[],
  state: Shortening,
): ConversationTruncation {
  const { gone, drops, sizes, maxTokens, count, tokensBefore } = state;
  const lastAsk = units.findLast(({ kind }) => kind === 'ask');
  const isLastAsk = (message: number): boolean =>
    lastAsk !== undefined && message >= lastAsk.start && message < lastAsk.end;
  const spoken = messagesOf(units.filter(({ kind }) => kind !== 'system')).filter((message) => !gone.has(message));
  const uncapped = remaining(sizes, gone, new Map());
  const question = lastWords(prompt);
  const others = shortenedBlocks(
    prompt,
    spoken.filter((message) => !isLastAsk(message)),
    { count, saveTokens: uncapped - maxTokens, question },
  );
  const stillOver = uncapped - others.savedTokens - maxTokens;
  const asks = shortenedBlocks(prompt, spoken.filter(isLastAsk), { count, saveTokens: stillOver });
  const tokensAfter = uncapped - others.savedTokens - asks.savedTokens;
  return {
    edits: inOrder([...drops, ...others.edits, ...asks.edits]),
    tokensBefore,
    tokensAfter,
    fits: tokensAfter <= maxTokens,
  };
}

function remaining(sizes: PromptSizes, gone: ReadonlySet<number>, saved: ReadonlyMap<number, number>): number {
  let total = sizes.fixedTokens;
  for (const [message, tokens] of sizes.messageTokens.entries()) {
    if (!gone.has(message)) total += tokens - (saved.get(message) ?? 0);
  }
  return total;
}

function messagesOf(units: readonly ConversationUnit[]): readonly number[] {
  return units.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index));
}

function textOf(prompt: Prompt, messages: readonly number[]): string {
  return messages
    .flatMap((message) => (prompt.messages[message]?.blocks ?? []).map((block) => blockText(block) ?? ''))
    .join('\n');
}

/** What the user said last. */
function lastWords(prompt: Prompt): string {
  const message = prompt.messages.findLast(
    ({ role, blocks }) => role === 'user' && blocks.some(({ kind }) => kind === 'text'),
  );
  return (message?.blocks ?? []).map((block) => (block.kind === 'text' ? block.text : '')).join('\n');
}

function inOrder(edits: readonly ConversationEdit[]): readonly ConversationEdit[] {
  return edits.toSorted((left, right) => left.message - right.message || blockOf(left) - blockOf(right));
}

function blockOf(edit: ConversationEdit): number {
  return edit.kind === 'drop-message' ? -1 : edit.block;
}
