import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { picoUsd } from '../money.ts';
import { droppingWorth } from './dropping-worth.ts';

const claude = { writeRatio: 1.25, readRatio: 0.1, droppedAre: 'cached', inputPrice: picoUsd(5_000_000) } as const;

test('dropping cached text ahead of cached text is worth D·r·T − (w − r)·P', () => {
  const worth = droppingWorth({ ...claude, droppedTokens: 1000, cachedTokensBehind: 10_000, turnsToCome: 20 });
  expect(worth.tokens).toBeCloseTo(1000 * 0.1 * 20 - 1.15 * 10_000, 6);
  expect(worth).toMatchObject({ isWorthIt: false, amount: -47_500_000 });
});

test('text behind which nothing is cached is dropped at once', () => {
  expect(droppingWorth({ ...claude, droppedTokens: 1, cachedTokensBehind: 0, turnsToCome: 1 }).isWorthIt).toBe(true);
});

test('nothing is dropped for no turn, nor where worth is zero', () => {
  expect(droppingWorth({ ...claude, droppedTokens: 9, cachedTokensBehind: 0, turnsToCome: 0 }).isWorthIt).toBe(false);
});

test('text that is not cached yet saves its write and then its reads, or the full price each time', () => {
  const question = { ...claude, droppedTokens: 100, cachedTokensBehind: 0, turnsToCome: 3 };
  expect(droppingWorth({ ...question, droppedAre: 'written' }).tokens).toBeCloseTo(145, 6);
  expect(droppingWorth({ ...question, droppedAre: 'fresh' }).tokens).toBe(300);
});

test('where writing is free a broken prefix costs only what reading would have spared', () => {
  const worth = droppingWorth({ ...claude, writeRatio: 1, droppedTokens: 0, cachedTokensBehind: 100, turnsToCome: 1 });
  expect(worth.tokens).toBeCloseTo(-90, 6);
});

test('what is put in its place counts against it', () => {
  const question = { ...claude, droppedTokens: 100, cachedTokensBehind: 0, turnsToCome: 2 };
  expect(droppingWorth({ ...question, replacementTokens: 10 }).tokens).toBeCloseTo(20 - 13.5, 6);
});

test('more cached text behind is never better, more turns never worse', () => {
  const amount = fc.nat(100_000);
  fc.assert(
    fc.property(amount, amount, amount, fc.nat(50), fc.nat(50), (droppedTokens, behind, more, turns, later) => {
      const at = (cachedTokensBehind: number, turnsToCome: number): number =>
        droppingWorth({ ...claude, droppedTokens, cachedTokensBehind, turnsToCome }).tokens;
      expect(at(behind + more, turns)).toBeLessThanOrEqual(at(behind, turns));
      expect(at(behind, turns + later)).toBeGreaterThanOrEqual(at(behind, turns) - 1e-6);
    }),
  );
});
