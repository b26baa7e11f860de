import { expect, test } from 'vitest';
import { type PricedPair, replayBill, type ReplayedTurn } from '../support/session-replay.ts';
import { mooncakeTurns, syntheticTurns } from '../support/session-traces.ts';
import { seededChance } from '../support/cache-traces.ts';
import { hasData } from '../support/shared-data.ts';

/** Sonnet and Opus: near in price, so that every move across costs much (`bench/routing-session.bench.ts` has more pairs). */
const PAIR: PricedPair = {
  name: 'sonnet -> opus',
  cheap: { fresh: 3_750_000, cacheRead: 300_000, output: 15_000_000 },
  strong: { fresh: 6_250_000, cacheRead: 500_000, output: 25_000_000 },
};

function dearerThanStrong(turns: readonly ReplayedTurn[], policy: 'follows' | 'moves'): number {
  const strong = replayBill(turns, PAIR, 'strong').byConversation;
  const routed = replayBill(turns, PAIR, policy).byConversation;
  return [...routed].filter(([name, cost]) => cost > (strong.get(name) ?? 0)).length;
}

function wished(turns: readonly Omit<ReplayedTurn, 'wishesCheap'>[]): readonly ReplayedTurn[] {
  const chance = seededChance(3);
  return turns.map((turn) => Object.assign(turn, { wishesCheap: chance() < 0.6 }));
}

test('no synthetic conversation costs more than at the strong target with a warm cache, while routing turn by turn does', () => {
  const turns = wished(syntheticTurns(400, 1));
  expect(dearerThanStrong(turns, 'follows')).toBeGreaterThan(50);
  expect(dearerThanStrong(turns, 'moves')).toBe(0);
  expect(replayBill(turns, PAIR, 'moves').moves).toBeGreaterThan(20);
});

test.skipIf(!hasData('caching', 'mooncake_conversation_trace.jsonl'))(
  'no conversation of the Mooncake trace costs more than at the strong target with a warm cache',
  () => {
    const turns = wished(mooncakeTurns() ?? []);
    expect(dearerThanStrong(turns, 'follows')).toBeGreaterThan(300);
    expect(dearerThanStrong(turns, 'moves')).toBe(0);
    expect(replayBill(turns, PAIR, 'moves').moves).toBeGreaterThan(100);
  },
);
