import { TurnsToCome } from '../../src/core/prefix/turns-to-come.ts';
import { sessionCredit, sessionMove, type SessionPrices } from '../../src/core/route/session-move.ts';

/** One turn of a conversation. */
export interface ReplayedTurn {
  readonly conversation: number;
  readonly atMs: number;
  readonly promptTokens: number;
  /** Tokens at the beginning that are those of the turn before. */
  readonly sharedTokens: number;
  readonly outputTokens: number;
  /** Whether a router that looks at this turn alone would take the cheap target. */
  readonly wishesCheap: boolean;
}

/** A cheap and a strong target. */
export interface PricedPair {
  readonly name: string;
  readonly cheap: SessionPrices;
  readonly strong: SessionPrices;
}

/** `follows`: each turn goes where it is wished. `once`: the first turn decides. `moves`: as `sessionMove` says. */
export type ReplayPolicy = 'strong' | 'follows' | 'once' | 'moves';

/** What a policy costs. */
export interface ReplayBill {
  readonly costPicoUsd: number;
  readonly cheapTurns: number;
  /** Turns that were asked of another target than the one before them. */
  readonly moves: number;
  readonly byConversation: ReadonlyMap<number, number>;
}

type Place = 'cheap' | 'strong';

interface Session {
  place: Place;
  cachedTokens: Record<Place, number>;
  seenMs: Record<Place, number>;
  promptTokens: number;
  turns: number;
  creditPicoUsd: number;
  strongCachedTokens: number;
  atMs: number;
  costPicoUsd: number;
}

/** How long providers keep a prefix that is not read: the 5 minutes of Anthropic; OpenAI says 5 to 10. */
const CACHE_LIFE_MS = 300_000;

/** Weight of a turn in what the next ones are expected to be like. */
const LEARNING_RATIO = 0.02;

/** Bills turns, in their order, as providers do: each target keeps what it was last sent of a conversation for five minutes. */
export function replayBill(turns: readonly ReplayedTurn[], pair: PricedPair, policy: ReplayPolicy): ReplayBill {
  const sessions = new Map<number, Session>();
  const turnsToCome = new TurnsToCome();
  const expected = { turnTokens: 500, outputTokens: 300 };
  let [costPicoUsd, cheapTurns, moves] = [0, 0, 0];
  for (const turn of turns) {
    const session = sessions.get(turn.conversation) ?? newSession(turn);
    sessions.set(turn.conversation, session);
    age(session, turn);
    const before = session.place;
    session.turns += 1;
    turnsToCome.observe(session.turns);
    session.place = placeOf(turn, session, pair, policy, {
      ...expected,
      turnsToCome: turnsToCome.expected(session.turns),
    });
    const cost = billTurn(turn, session, pair);
    costPicoUsd += cost;
    session.costPicoUsd += cost;
    cheapTurns += Number(session.place === 'cheap');
    moves += Number(session.turns > 1 && session.place !== before);
    if (session.turns > 1)
      expected.turnTokens += LEARNING_RATIO * (turn.promptTokens - session.promptTokens - expected.turnTokens);
    expected.turnTokens = Math.max(0, expected.turnTokens);
    expected.outputTokens += LEARNING_RATIO * (turn.outputTokens - expected.outputTokens);
    session.promptTokens = turn.promptTokens;
    session.atMs = turn.atMs;
  }
  const byConversation = new Map([...sessions].map(([name, session]) => [name, session.costPicoUsd]));
  return { costPicoUsd, cheapTurns, moves, byConversation };
}

function newSession({ atMs }: ReplayedTurn): Session {
  return {
    place: 'strong',
    cachedTokens: { cheap: 0, strong: 0 },
    seenMs: { cheap: 0, strong: 0 },
    promptTokens: 0,
    turns: 0,
    creditPicoUsd: 0,
    strongCachedTokens: 0,
    atMs,
    costPicoUsd: 0,
  };
}

/** What has lapsed since, or was not repeated, is no longer cached. */
function age(session: Session, { atMs, sharedTokens }: ReplayedTurn): void {
  for (const place of ['cheap', 'strong'] as const) {
    const isWarm = atMs - session.seenMs[place] < CACHE_LIFE_MS;
    session.cachedTokens[place] = isWarm ? Math.min(session.cachedTokens[place], sharedTokens) : 0;
  }
  const isWarm = atMs - session.atMs < CACHE_LIFE_MS;
  session.strongCachedTokens = isWarm ? Math.min(session.strongCachedTokens, sharedTokens) : 0;
}

function placeOf(
  turn: ReplayedTurn,
  session: Session,
  pair: PricedPair,
  policy: ReplayPolicy,
  expected: { readonly turnTokens: number; readonly outputTokens: number; readonly turnsToCome: number },
): Place {
  const wish = turn.wishesCheap ? 'cheap' : 'strong';
  if (policy === 'strong') return 'strong';
  if (policy === 'follows' || session.turns === 1) return wish;
  if (policy === 'once' || wish === session.place) return session.place;
  const isWarm = turn.atMs - session.seenMs[session.place] < CACHE_LIFE_MS;
  const move = sessionMove({
    ...expected,
    from: pair[session.place],
    to: pair[wish],
    strong: pair.strong,
    // As a gateway knows it: the size of the turn before.
    cachedTokens: isWarm ? Math.min(session.promptTokens, turn.promptTokens) : 0,
    promptTokens: turn.promptTokens,
    creditPicoUsd: session.creditPicoUsd,
  });
  return move.kind === 'move' ? wish : session.place;
}

function billTurn(turn: ReplayedTurn, session: Session, pair: PricedPair): number {
  const { promptTokens, outputTokens, atMs } = turn;
  const { place } = session;
  const served = pair[place];
  const readTokens = session.cachedTokens[place];
  session.creditPicoUsd += sessionCredit({
    served,
    strong: pair.strong,
    promptTokens,
    readTokens,
    strongReadTokens: session.strongCachedTokens,
    outputTokens,
  });
  session.cachedTokens[place] = promptTokens;
  session.seenMs[place] = atMs;
  session.strongCachedTokens = promptTokens;
  return readTokens * served.cacheRead + (promptTokens - readTokens) * served.fresh + outputTokens * served.output;
}
