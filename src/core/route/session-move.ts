import type { PriceTable } from '../price-book.ts';

/** What a token of a conversation costs at a target, in pico-dollars. @public */
export interface SessionPrices {
  /** Input that is not in the provider's cache yet: where writing to it has a price, that one. */
  readonly fresh: number;
  readonly cacheRead: number;
  readonly output: number;
}

/** What is asked before a conversation moves to another target. @public */
export interface SessionMoveQuestion {
  /** Of the target where the conversation is. */
  readonly from: SessionPrices;
  /** Of the one where it would go today. */
  readonly to: SessionPrices;
  /** Of the route's strong target, which would have had the conversation from its first turn on. */
  readonly strong: SessionPrices;
  /**
   * Tokens of the prompt that the present target has in its cache, at most; 0 where they have lapsed. Taken to be what the strong target would have: caches
   * live as long there.
   */
  readonly cachedTokens: number;
  /** Expected of the whole prompt of this turn. */
  readonly promptTokens: number;
  /** By how much a prompt is expected to grow from turn to turn: the last answer and what comes behind it. */
  readonly turnTokens: number;
  /** Expected of an answer. */
  readonly outputTokens: number;
  /** Expected after this one; need not be whole. */
  readonly turnsToCome: number;
  /** What the conversation has cost less than at a strong target with a warm cache so far; see {@link sessionCredit}. */
  readonly creditPicoUsd: number;
}

/**
 * Whether a conversation moves, and why. `saves`: it does. `re-reading`: what it saves on the rest is not more than reading its beginning anew costs.
 * `not-covered`: it would be, but until then the conversation could have cost more than at the strong target. `dearer`: the other target costs more in one
 * way or another than the strong one, so that a conversation that grows could.
 * @public
 */
export interface SessionMove {
  readonly kind: 'move' | 'stay';
  readonly reason: 'saves' | 're-reading' | 'not-covered' | 'dearer';
  /** Expected of moving, over this turn and those to come; negative: it costs so much. */
  readonly savingPicoUsd: number;
}

/**
 * Decides whether a conversation moves to another target for its price. Two things must hold: the saving that is expected exceeds the cost of
 * reading the prefix uncached, and whatever comes, the conversation costs no more than it would have at the strong target with a warm cache.
 *
 * The second is a guarantee for every single conversation whose targets are never dearer than the strong one ({@link isNeverDearer}): a turn that stays costs no more
 * than the strong target's, by each of the three prices; a turn that moves is paid out of the credit of those before it, even where its answer is empty. A move for the
 * sake of quality is not asked for here.
 * @public
 */
export function sessionMove(question: SessionMoveQuestion): SessionMove {
  const { from, to, strong, cachedTokens, promptTokens, outputTokens, creditPicoUsd } = question;
  const stayed = turnCost(from, promptTokens, cachedTokens, outputTokens) + restCost(from, question);
  const moved = turnCost(to, promptTokens, 0, outputTokens) + restCost(to, question);
  const savingPicoUsd = stayed - moved;
  if (!isNeverDearer(to, strong)) return { kind: 'stay', reason: 'dearer', savingPicoUsd };
  if (!(savingPicoUsd > 0)) return { kind: 'stay', reason: 're-reading', savingPicoUsd };
  // New tokens and answers cost no more there, however many come: only what is known counts against the credit.
  const excess = cachedTokens * (to.fresh - strong.cacheRead);
  return excess <= creditPicoUsd
    ? { kind: 'move', reason: 'saves', savingPicoUsd }
    : { kind: 'stay', reason: 'not-covered', savingPicoUsd };
}

/** One turn as it was billed. @public */
export interface BilledTurn {
  readonly served: SessionPrices;
  readonly strong: SessionPrices;
  readonly promptTokens: number;
  /** Tokens of the prompt that the target read from its cache. */
  readonly readTokens: number;
  /** Tokens that the strong target would have read: the same, or for a turn that moved what the target before it had in its cache. */
  readonly strongReadTokens: number;
  readonly outputTokens: number;
}

/** What a turn cost less than at the strong target, in pico-dollars; negative: more. @public */
export function sessionCredit(turn: BilledTurn): number {
  const { served, strong, promptTokens, readTokens, strongReadTokens, outputTokens } = turn;
  return (
    turnCost(strong, promptTokens, strongReadTokens, outputTokens) -
    turnCost(served, promptTokens, readTokens, outputTokens)
  );
}

/** Whether a target costs no more than another one for any turn with as warm a cache. A cheap model without a cache can be dearer than a strong one with one. @public */
export function isNeverDearer(prices: SessionPrices, than: SessionPrices): boolean {
  return prices.fresh <= than.fresh && prices.cacheRead <= than.cacheRead && prices.output <= than.output;
}

/**
 * The prices of a model that matter to a conversation. Without a price for reads there is no cache that would be worth staying for.
 * @returns undefined: input or output has no price.
 * @public
 */
export function sessionPrices(prices: PriceTable): SessionPrices | undefined {
  const { input, output, cacheRead = input, cacheWrite5m, cacheWrite30m } = prices;
  if (input === undefined || output === undefined || cacheRead === undefined) return undefined;
  return { fresh: cacheWrite5m ?? cacheWrite30m ?? input, cacheRead, output };
}

function turnCost(prices: SessionPrices, promptTokens: number, readTokens: number, outputTokens: number): number {
  const read = Math.min(readTokens, promptTokens);
  return read * prices.cacheRead + (promptTokens - read) * prices.fresh + outputTokens * prices.output;
}

/** Of the turns to come, each of which finds the prompt before it in the cache. */
function restCost(prices: SessionPrices, question: SessionMoveQuestion): number {
  const { promptTokens, turnTokens, outputTokens, turnsToCome: turns } = question;
  const readTokens = turns * promptTokens + (turnTokens * Math.max(0, turns * (turns - 1))) / 2;
  return readTokens * prices.cacheRead + turns * (turnTokens * prices.fresh + outputTokens * prices.output);
}
