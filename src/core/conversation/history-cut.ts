import type { ConversationUnit } from './conversation-units.ts';

/** When a conversation loses its oldest part, and how much of it. @public */
export interface HistoryBudget {
  /** Longer prompts are cut, in tokens, tools and system prompt included. */
  readonly maxTokens: number;
  /**
   * What a cut leaves at the most, as a share of the room that the conversation has (`maxTokens` without what always stays). The smaller, the rarer cuts
   * are, and the longer what is left stays in the provider's cache.
   * @defaultValue 0.6
   */
  readonly keepRatio?: number;
  /**
   * A cut at the beginning of a turn is preferred while it leaves at least this share; in a longer turn it comes between two of its replies.
   * @defaultValue 0.25
   */
  readonly turnRatio?: number;
}

/** Where a conversation is cut. @public */
export interface HistoryCut {
  /** Indexes of the messages that go, in order. */
  readonly droppedMessages: readonly number[];
  readonly droppedTokens: number;
  readonly keptTokens: number;
  /** False: what always stays and the last unit alone are longer than the budget. */
  readonly fits: boolean;
}

/** The room that is counted with where what always stays leaves less, as a share of the budget: below it each turn would be a cut. */
const LEAST_ROOM_RATIO = 0.25;

/**
 * Cuts a conversation in steps: nothing goes until it is longer than the budget, then the oldest units go down to about half of it, and the cut stays where
 * it is until the budget is full again. Between two cuts the prompt grows at its end only, so that its beginning stays in the provider's cache; a window
 * that slides with each turn would miss it every time.
 *
 * Where the cuts are follows from the sizes of the units alone, by going through the conversation as it grew: no process has to remember, and all that see
 * the same conversation decide alike. System messages and the first ask always stay; the ask of the turn that is cut in its middle stays, too.
 * @param units - of `conversationUnits`
 * @param messageTokens - by index of the message
 * @param fixedTokens - tools and the like
 * @public
 */
export function historyCut(
  units: readonly ConversationUnit[],
  messageTokens: readonly number[],
  fixedTokens: number,
  budget: HistoryBudget,
): HistoryCut {
  const sizes = units.map(({ start, end }) => sum(messageTokens, start, end));
  const firstAsk = units.findIndex(({ kind }) => kind === 'ask');
  const stays = units.map(({ kind, turn }, index) => kind === 'system' || index === firstAsk || turn < 0);
  let head = fixedTokens;
  for (const [index, size] of sizes.entries()) if (stays[index] === true) head += size;
  const room = Math.max(budget.maxTokens - head, budget.maxTokens * LEAST_ROOM_RATIO);
  const free = stays.flatMap((isKept, index) => (isKept ? [] : [index]));
  const borders = freeBorders(units, sizes, free);
  const at = lastCut(borders, room, budget);
  const gone = new Set(free.slice(0, at));
  gone.delete(borders[at]?.ask ?? -1);
  const droppedMessages = units.flatMap((unit, index) => (gone.has(index) ? range(unit.start, unit.end) : []));
  const droppedTokens = droppedMessages.reduce((total, message) => total + (messageTokens[message] ?? 0), 0);
  const keptTokens = fixedTokens + sum(messageTokens, 0, messageTokens.length) - droppedTokens;
  return { droppedMessages, droppedTokens, keptTokens, fits: keptTokens <= budget.maxTokens };
}

/** A place before a unit that may go. */
interface Border {
  /** Tokens of all units that may go and come before it. */
  readonly before: number;
  readonly startsTurn: boolean;
  /** A reply is not kept without what it replies to: the unit with the ask of a turn that is cut here; -1 for none or one that stays anyway. */
  readonly ask: number;
  readonly askTokens: number;
}

/** The borders before each unit that may go, and the end. */
function freeBorders(
  units: readonly ConversationUnit[],
  sizes: readonly number[],
  free: readonly number[],
): readonly Border[] {
  const borders: Border[] = [];
  let before = 0;
  let ask = -1;
  for (const [place, index] of free.entries()) {
    const unit = units[index];
    const startsTurn = unit?.kind === 'ask' && (ask < 0 || units[free[place - 1] ?? -1]?.kind !== 'ask');
    const asked = unit?.kind === 'reply' && units[ask]?.turn === unit.turn ? ask : -1;
    borders.push({ before, startsTurn, ask: asked, askTokens: sizes[asked] ?? 0 });
    before += sizes[index] ?? 0;
    if (unit?.kind === 'ask') ask = index;
  }
  borders.push({ before, startsTurn: true, ask: -1, askTokens: 0 });
  return borders;
}

/** Goes through the conversation as it grew and cuts whenever it had become too long. */
function lastCut(borders: readonly Border[], room: number, budget: HistoryBudget): number {
  let cut = 0;
  for (let last = 0; last + 1 < borders.length; last += 1) {
    const end = borders[last + 1]?.before ?? 0;
    if (cut < last && windowAt(borders[cut], end) > room) cut = nextCut(borders, cut, last, room, budget);
  }
  return cut;
}

/** The first border that leaves little enough: that of a turn if one leaves not too little, else any. The last unit stays. */
function nextCut(borders: readonly Border[], cut: number, last: number, room: number, budget: HistoryBudget): number {
  const end = borders[last + 1]?.before ?? 0;
  const most = room * (budget.keepRatio ?? 0.6);
  const least = room * (budget.turnRatio ?? 0.25);
  let first: number | undefined;
  for (let at = cut + 1; at <= last; at += 1) {
    const window = windowAt(borders[at], end);
    if (window > most) continue;
    if (first !== undefined && window < least) break;
    first ??= at;
    if (borders[at]?.startsTurn === true) return at;
  }
  return first ?? last;
}

/** Tokens that stay of what may go, up to an end, when all before the border goes. */
function windowAt(border: Border | undefined, end: number): number {
  return border === undefined ? 0 : end - border.before + border.askTokens;
}

function range(start: number, end: number): readonly number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

function sum(values: readonly number[], start: number, end: number): number {
  let total = 0;
  for (let index = start; index < end; index += 1) total += values[index] ?? 0;
  return total;
}
