// Routed conversations against always-strong with a warm cache: what a router costs that looks at each turn alone, one that decides once, and ours.
// Run: npx -c 'node bench/routing-session.bench.ts'
import { writeFile } from 'node:fs/promises';
import { findPrice } from '../src/core/price-book.ts';
import { shippedPriceBook } from '../src/core/price-book-shipped.ts';
import { type SessionPrices, sessionPrices } from '../src/core/route/session-move.ts';
import { seededChance } from '../test/support/cache-traces.ts';
import { machineNote } from './support/machine.ts';
import { rounded } from './support/quantile.ts';
import {
  type PricedPair,
  replayBill,
  type ReplayBill,
  type ReplayedTurn,
  type ReplayPolicy,
} from '../test/support/session-replay.ts';
import { mooncakeTurns, syntheticTurns, type TracedTurn } from '../test/support/session-traces.ts';

const BOOK = shippedPriceBook();
const AT_MS = Date.UTC(2026, 10, 26);

function pricesOf(provider: string, model: string): SessionPrices {
  const entry = findPrice(BOOK, { provider, model }, AT_MS);
  const prices = entry === undefined ? undefined : sessionPrices(entry.prices);
  if (prices === undefined) throw new Error(`no prices of ${provider}/${model}`);
  return prices;
}

const PAIRS: readonly PricedPair[] = [
  ['openai', 'gpt-4o-mini', 'gpt-4o'],
  ['openai', 'gpt-5.4-mini', 'gpt-5.4'],
  ['anthropic', 'claude-haiku-4-5', 'claude-opus-4-8'],
  ['anthropic', 'claude-sonnet-4-6', 'claude-opus-4-8'],
].map(([provider = '', cheap = '', strong = '']) => ({
  name: `${cheap} -> ${strong}`,
  cheap: pricesOf(provider, cheap),
  strong: pricesOf(provider, strong),
}));

type Wishes = (turn: TracedTurn, chance: () => number, turnOfConversation: number) => boolean;

/** What a router wishes of each turn. */
const WISHES: Readonly<Record<string, Wishes>> = {
  // A score that looks at the last message: 60 % of the turns are easy, whichever turns they are.
  'by turn': (_turn, chance) => chance() < 0.6,
  // The cheap target is certified while conversations are under way: all begin at the strong one.
  'certified later': (_turn, _chance, turn) => turn > 2,
};

function withWishes(turns: readonly TracedTurn[], wishes: Wishes): readonly ReplayedTurn[] {
  const chance = seededChance(11);
  const seen = new Map<number, number>();
  return turns.map((turn) => {
    const count = (seen.get(turn.conversation) ?? 0) + 1;
    seen.set(turn.conversation, count);
    return { ...turn, wishesCheap: wishes(turn, chance, count) };
  });
}

function compared(
  names: { readonly trace: string; readonly wishes: string },
  turns: readonly ReplayedTurn[],
  pair: PricedPair,
): readonly object[] {
  const strong = replayBill(turns, pair, 'strong');
  return (['follows', 'once', 'moves'] as const).map((policy) => comparedRow(names, turns, pair, policy, strong));
}

function comparedRow(
  { trace, wishes }: { readonly trace: string; readonly wishes: string },
  turns: readonly ReplayedTurn[],
  pair: PricedPair,
  policy: ReplayPolicy,
  strong: ReplayBill,
): object {
  const bill = replayBill(turns, pair, policy);
  const excesses = [...bill.byConversation].map(([name, cost]) => cost / (strong.byConversation.get(name) ?? cost) - 1);
  const over = excesses.filter((excess) => excess > 0);
  return {
    trace,
    wishes,
    pair: pair.name,
    policy,
    'cost, % of always strong': rounded((100 * bill.costPicoUsd) / strong.costPicoUsd),
    'turns at the cheap target, %': rounded((100 * bill.cheapTurns) / turns.length, 1),
    moves: bill.moves,
    'conversations dearer than always strong': over.length,
    'worst of them, % over': rounded(100 * Math.max(0, ...over), 1),
  };
}

const machine = machineNote();
const traces = new Map<string, readonly TracedTurn[]>([['synthetic', syntheticTurns(3000, 5)]]);
const mooncake = mooncakeTurns();
if (mooncake !== undefined) traces.set('Mooncake', mooncake);

const rows = [...traces].flatMap(([trace, traced]) =>
  Object.entries(WISHES).flatMap(([wishes, wish]) => {
    const turns = withWishes(traced, wish);
    return PAIRS.flatMap((pair) => compared({ trace, wishes }, turns, pair));
  }),
);
const sizes = [...traces].map(([trace, turns]) => ({
  trace,
  turns: turns.length,
  conversations: new Set(turns.map(({ conversation }) => conversation)).size,
}));
console.log(`Node ${machine.node}, ${machine.cpus}; prices of ${BOOK.version}; caches live 5 minutes`);
console.log('follows: each turn goes where it is wished. once: where the first turn went. moves: ours.');
console.log(
  'Wishes for the strong target within a conversation are not followed by ours: it is moved there for quality, not by a turn.',
);
console.table(sizes);
console.table(rows);
const result = { ...machine, priceBook: BOOK.version, cacheLifeMs: 300_000, sizes, rows };
await writeFile(
  new URL('./results/routing-session.json', import.meta.url),
  `${JSON.stringify(result, undefined, 2)}\n`,
);
