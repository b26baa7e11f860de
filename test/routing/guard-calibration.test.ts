import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calibratedThreshold, type ScoredLoss, thresholdGrid } from '../../src/core/guard/calibrated-threshold.ts';
import { exactLossTest } from '../../src/core/guard/exact-loss-test.ts';
import { gradedLossTest } from '../../src/core/guard/graded-loss-test.ts';

/** The chance that the exact test passes under a law: over all counts. */
function passChance(
  samples: number,
  passes: (worse: number, better: number) => boolean,
  law: readonly [number, number],
): number {
  const [worseRatio, betterRatio] = law;
  const equalRatio = Math.max(1 - worseRatio - betterRatio, 0);
  const choose = (from: number, count: number): number => {
    let ways = 1;
    for (let index = 1; index <= count; index += 1) ways *= (from - count + index) / index;
    return ways;
  };
  let sum = 0;
  for (let worse = 0; worse <= samples; worse += 1) {
    for (let better = 0; better <= samples - worse; better += 1) {
      if (!passes(worse, better)) continue;
      const ways = choose(samples, worse) * choose(samples - worse, better);
      sum += ways * worseRatio ** worse * betterRatio ** better * equalRatio ** (samples - worse - better);
    }
  }
  return sum;
}

const limits = fc.double({ min: 0, max: 0.6, noNaN: true });
const ratio = fc.double({ min: 0, max: 1, noNaN: true });

describe('the exact test', () => {
  test('passes with a chance of at most alpha, whatever the law, where the mean loss is the limit or more', () => {
    const sizes = fc.integer({ min: 1, max: 40 });
    const alphas = fc.constantFrom(0.01, 0.05, 0.1, 0.3);
    fc.assert(
      fc.property(sizes, limits, alphas, ratio, ratio, (samples, limit, alpha, differing, more) => {
        const passes = exactLossTest(samples, limit, alpha);
        const total = limit + (1 - limit) * differing;
        const better = (total - limit) / 2;
        const worse = total - better;
        expect(passChance(samples, passes, [worse, better])).toBeLessThanOrEqual(alpha + 1e-9);
        const shift = better * more;
        expect(passChance(samples, passes, [worse + shift, better - shift])).toBeLessThanOrEqual(alpha + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  test('uses most of alpha, so that it is worth its name', () => {
    const passes = exactLossTest(120, 0.2, 0.1);
    expect(passChance(120, passes, [0.35, 0.15])).toBeGreaterThan(0.07);
  });

  test('never turns against a target for one worse answer less or one better more', () => {
    const counts = fc.integer({ min: 0, max: 200 });
    const passes = [exactLossTest(400, 0.02, 0.1), exactLossTest(400, 0.3, 0.05), exactLossTest(400, 0, 0.1)];
    fc.assert(
      fc.property(fc.constantFrom(...passes), counts, counts, (pass, worse, better) => {
        if (!pass(worse + 1, better)) return;
        expect(pass(worse, better)).toBe(true);
        expect(pass(worse + 1, better + 1)).toBe(true);
      }),
    );
  });

  test('never passes where no number of samples could show it', () => {
    expect(exactLossTest(1, 0.01, 0.1)(0, 0)).toBe(false);
    expect(exactLossTest(10, 0.01, 0.1)(0, 0)).toBe(false);
  });
});

test('the betting test passes with a chance of at most alpha where the mean loss is the limit, whatever the losses', () => {
  const alphas = fc.constantFrom(0.1, 0.3, 0.6);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 14 }), limits, alphas, ratio, (samples, limit, alpha, low) => {
      // Two losses, one above the limit and one below, with the limit as their mean.
      const losses = [1, limit - (1 + limit) * low] as const;
      const worseRatio = losses[0] === losses[1] ? 1 : (limit - losses[1]) / (losses[0] - losses[1]);
      const passes = gradedLossTest(samples, limit, alpha);
      let chance = 0;
      for (let bits = 0; bits < 2 ** samples; bits += 1) {
        const drawn = Array.from({ length: samples }, (_loss, index) => (bits >> index) & 1);
        const worse = drawn.reduce((sum, bit) => sum + bit, 0);
        if (!passes(drawn.map((bit) => losses[bit === 1 ? 0 : 1]))) continue;
        chance += worseRatio ** worse * (1 - worseRatio) ** (samples - worse);
      }
      expect(chance).toBeLessThanOrEqual(alpha + 1e-9);
    }),
    { numRuns: 30 },
  );
  // Enough of them do pass.
  expect(gradedLossTest(300, 0.05, 0.1)(Array.from({ length: 300 }, () => 0.001))).toBe(true);
});

/** Hundreds of pairs: those with a score below 0.5 lose nothing, the others half of the time. */
const PAIRS: readonly ScoredLoss[] = Array.from({ length: 800 }, (_pair, index) => ({
  score: index / 800,
  loss: index >= 400 && index % 2 === 0 ? 1 : 0,
}));
const OPTIONS = { maxQualityLoss: 0.05, alpha: 0.1, thresholds: [0.1, 0.3, 0.4999, 0.9, 1] };

describe('a calibration', () => {
  test.each(['whole', 'graded'] as const)('of %s losses ends before the first threshold that fails', (losses) => {
    const found = calibratedThreshold(PAIRS, { ...OPTIONS, losses });
    expect(found).toEqual({ threshold: 0.4999, step: 2, shareRatio: 0.5 });
    // What lies behind a failure is not looked at, though it would pass.
    const behind = [{ score: 2, loss: 0 }].concat(PAIRS.map(({ score, loss }) => ({ score: score - 0.5, loss })));
    expect(calibratedThreshold(behind, { ...OPTIONS, thresholds: [0.4, 3], losses })).toBeUndefined();
  });

  test('refuses everything where nothing can be shown', () => {
    expect(calibratedThreshold([], OPTIONS)).toBeUndefined();
    expect(calibratedThreshold(PAIRS.slice(0, 20), OPTIONS)).toBeUndefined();
    expect(calibratedThreshold(PAIRS, { ...OPTIONS, thresholds: [] })).toBeUndefined();
    expect(
      calibratedThreshold(
        PAIRS.map(({ score }) => ({ score, loss: 0.06 })),
        OPTIONS,
      ),
    ).toBeUndefined();
  });

  test('takes losses between whole ones for the worse of their neighbours, or as they are where it was told so', () => {
    const graded = PAIRS.map(({ score }) => ({ score, loss: 0.01 }));
    expect(calibratedThreshold(graded, OPTIONS)).toBeUndefined();
    expect(calibratedThreshold(graded, { ...OPTIONS, losses: 'graded' })).toMatchObject({ threshold: 1 });
    const noisy = PAIRS.map(({ score }) => ({ score, loss: 0.1 + 0.2 - 0.3 }));
    expect(calibratedThreshold(noisy, OPTIONS)).toMatchObject({ threshold: 1 });
  });

  test.each([
    ['maxQualityLoss', { maxQualityLoss: 1 }],
    ['maxQualityLoss', { maxQualityLoss: Number.NaN }],
    ['alpha', { alpha: 0 }],
    ['rise', { thresholds: [0.2, 0.2] }],
    ['rise', { thresholds: [Number.NaN] }],
  ])('says which option is wrong: %s', (word, wrong) => {
    expect(() => calibratedThreshold(PAIRS, { ...OPTIONS, ...wrong })).toThrow(word);
  });

  test('does not take what is no judged pair', () => {
    expect(() => calibratedThreshold([{ score: 0, loss: 1.5 }], OPTIONS)).toThrow('not a judged pair');
    expect(() => calibratedThreshold([{ score: Number.NaN, loss: 0 }], OPTIONS)).toThrow('not a judged pair');
  });
});

test('a grid has equal shares between its thresholds, the last of which is the largest score', () => {
  const scores = Array.from({ length: 100 }, (_score, index) => (index * 37) % 100);
  expect(thresholdGrid(scores, 4)).toEqual([24, 49, 74, 99]);
  expect(thresholdGrid([1, 1, 1, 2], 4)).toEqual([1, 2]);
  expect(thresholdGrid([], 4)).toEqual([]);
});
