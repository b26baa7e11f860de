import { expect, test } from 'vitest';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { lossTest, NEW_LOSS_PROCESS } from './loss-process.ts';
import { TurnDraws } from './turn-draws.ts';

/** Which turns of each of many conversations are drawn. */
function drawnTurns(conversations: number, turns: number, ratio: number, seed: number): readonly (readonly number[])[] {
  const random = seededRandom(seed);
  const draws = new TurnDraws();
  const drawn: number[][] = Array.from({ length: conversations }, () => []);
  for (const { index, turn } of callsInOrder(conversations, turns)) {
    if (draws.isDrawn({ name: String(index), turn }, ratio, random.fraction())) drawn[index]?.push(turn);
  }
  return drawn;
}

/** Ten conversations at a time, as they come. */
function callsInOrder(
  conversations: number,
  turns: number,
): readonly { readonly index: number; readonly turn: number }[] {
  return Array.from({ length: conversations * turns }, (_, call) => {
    const place = call % (10 * turns);
    return { index: Math.floor(call / (10 * turns)) * 10 + (place % 10), turn: Math.floor(place / 10) + 1 };
  });
}

test('calls that stand alone are drawn as often as is wanted', () => {
  const drawn = drawnTurns(20_000, 1, 0.1, 1).filter((turns) => turns.length > 0);
  expect(drawn.length / 20_000).toBeCloseTo(0.1, 2);
  expect(drawnTurns(100, 1, 1, 2).every((turns) => turns.length === 1)).toBe(true);
});

test('of a conversation one turn is drawn at most, but for the longest, and each turn as often as any other', () => {
  const drawn = drawnTurns(20_000, 20, 0.1, 3).slice(1000);
  // The usual length is that of 95 % of the calls: one turn less than these have.
  expect(drawn.filter((turns) => turns.length > 1).length / drawn.length).toBeLessThan(0.06);
  expect(drawn.filter((turns) => turns.length > 2)).toEqual([]);
  const counts = Array.from({ length: 20 }, (_, index) => drawn.filter((turns) => turns.includes(index + 1)).length);
  // One in 19 or 20 turns, whichever: 5 % within four standard deviations.
  for (const count of counts) expect(Math.abs(count / drawn.length - 0.0513)).toBeLessThan(0.008);
});

test('a share that is low enough stays as it is', () => {
  const drawn = drawnTurns(10_000, 8, 0.02, 4);
  expect(drawn.flat().length / 80_000).toBeCloseTo(0.02, 2);
});

test('conversations of which nothing is known, and turns that are no numbers, are drawn by chance', () => {
  const draws = new TurnDraws();
  for (const turn of [NaN, -1, 0, 1e9, Infinity]) {
    expect(typeof draws.isDrawn({ name: 'x', turn }, 0.5, 0.5)).toBe('boolean');
  }
  expect(new TurnDraws().isDrawn({ name: 'y', turn: 7 }, 0, 0.99)).toBe(false);
});

test('turns that are all alike certify nothing falsely more often than alpha', () => {
  const limit = 0.1;
  const bets = lossTest('certify', limit);
  /** The best evidence of 600 conversations of 20 turns whose losses are all the same. */
  const bestEvidence = (seed: number): number => {
    const random = seededRandom(seed);
    let process = NEW_LOSS_PROCESS;
    let best = 0;
    for (const { length } of drawnTurns(600, 20, 0.1, seed + 1)) {
      const loss = random.fraction() < limit ? 1 : 0;
      for (let sample = 0; sample < length; sample += 1) process = bets.add(process, loss);
      best = Math.max(best, bets.evidence(process));
    }
    return best;
  };
  const wrong = Array.from({ length: 200 }, (_, run) => bestEvidence(run * 31 + 7)).filter(
    (best) => best >= Math.log(20),
  );
  // 5 % and two standard deviations; drawn one by one it is half.
  expect(wrong.length / 200).toBeLessThanOrEqual(0.05 + 2 * Math.sqrt((0.05 * 0.95) / 200));
});
