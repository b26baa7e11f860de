import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LossProcess, type LossSide, lossTest, NEW_LOSS_PROCESS } from '../../src/core/guard/loss-process.ts';
import { addLoss, meanLoss, NO_LOSSES } from '../../src/core/guard/loss-tally.ts';
import { seededChance } from '../support/cache-traces.ts';
import { samplesNeeded } from '../support/guard-replays.ts';

type Law = readonly (readonly [loss: number, chance: number])[];

/** Three losses, of which the mean is `mean`. */
function lawWithMean(mean: number, middle: number, middleRatio: number): Law {
  const rest = 1 - middleRatio;
  const worse = (mean - middle * middleRatio + rest) / 2;
  return [
    [1, worse],
    [middle, middleRatio],
    [-1, rest - worse],
  ];
}

/** The mean of the e-value after so many losses: over all of their sequences. */
function meanEValue(side: LossSide, limit: number, law: Law, length: number): number {
  const running = lossTest(side, limit);
  const of = (process: LossProcess, left: number): number =>
    left === 0
      ? Math.exp(running.evidence(process))
      : law.reduce((sum, [loss, chance]) => sum + chance * of(running.add(process, loss), left - 1), 0);
  return of(NEW_LOSS_PROCESS, length);
}

const side = fc.constantFrom<LossSide>('certify', 'alarm');
const ratio = fc.double({ min: 0, max: 1, noNaN: true });

test('where the mean loss is just the limit, the e-value has a mean of 1, whatever the law; beyond it of less', () => {
  const limits = fc.double({ min: 0, max: 0.9, noNaN: true });
  fc.assert(
    fc.property(
      side,
      limits,
      fc.double({ min: -1, max: 1, noNaN: true }),
      ratio,
      ratio,
      (on, limit, middle, part, shift) => {
        const middleRatio = part * Math.min((1 - limit) / (1 - middle + 1e-9), (1 + limit) / (1 + middle + 1e-9), 1);
        const law = lawWithMean(limit, middle, middleRatio);
        expect(meanEValue(on, limit, law, 5)).toBeCloseTo(1, 9);
        const towards = on === 'certify' ? 1 : -1;
        const worse: Law = law.map(([loss, chance]) => [loss + shift * (towards - loss), chance]);
        expect(meanEValue(on, limit, worse, 5)).toBeLessThanOrEqual(1 + 1e-9);
      },
    ),
    { numRuns: 60 },
  );
});

test('no sequence of losses ruins it, and what waits for later samples is never gone', () => {
  fc.assert(
    fc.property(side, fc.double({ min: 0, max: 0.999, noNaN: true }), (on, limit) => {
      const running = lossTest(on, limit);
      let process = NEW_LOSS_PROCESS;
      for (let index = 0; index < 3000; index += 1) process = running.add(process, on === 'certify' ? 1 : -1);
      expect(running.evidence(process)).toBeGreaterThan(Math.log(0.05));
      expect(process.bets.every(Number.isFinite)).toBe(true);
    }),
    { numRuns: 10 },
  );
});

test('it goes on from what JSON kept as if nothing had been', () => {
  fc.assert(
    fc.property(side, fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 40 }), (on, losses) => {
      const running = lossTest(on, 0.05);
      let kept = NEW_LOSS_PROCESS;
      let straight = NEW_LOSS_PROCESS;
      for (const loss of losses) {
        kept = JSON.parse(JSON.stringify(running.add(kept, loss))) as LossProcess;
        straight = running.add(straight, loss);
      }
      expect(kept).toEqual(straight);
    }),
  );
});

test('a fall is seen soon though the past was good for long', () => {
  const terms = { side: 'alarm', limit: 0.05, alpha: 0.05, mostSamples: 2000 } as const;
  const fallen = (): number => samplesNeeded(terms, lossStream(1), [lossStream(2), 5000]);
  const fresh = samplesNeeded(terms, lossStream(1));
  // Without bets that begin anew, each good loss of 0 would have to be made up for: more than a thousand samples.
  expect(fallen()).toBeLessThan(fresh + 250);
  expect(fresh).toBeGreaterThan(10);

  function lossStream(seed: number): () => number {
    const chance = seededChance(seed);
    return seed === 1 ? () => (chance() < 0.3 ? 1 : 0) : () => (chance() < 0.01 ? 1 : 0);
  }
});

test('a bad beginning does not stand in the way for ever', () => {
  const terms = { side: 'certify', limit: 0.1, alpha: 0.05, mostSamples: 2000 } as const;
  const good = samplesNeeded(terms, () => 0);
  expect(samplesNeeded(terms, () => 0, [() => 1, 500])).toBeLessThan(good * 4);
});

test('losses are summed exactly in any order, and their mean lies within its interval', () => {
  const losses = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(losses, (values) => {
      const tally = values.reduce(addLoss, NO_LOSSES);
      expect(values.toReversed().reduce(addLoss, NO_LOSSES)).toEqual(tally);
      const found = meanLoss(tally);
      expect(found?.samples).toBe(values.length);
      expect(found?.mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 5);
      expect(found?.low).toBeLessThanOrEqual(found?.mean ?? Number.NaN);
      expect(found?.high).toBeGreaterThanOrEqual(found?.mean ?? Number.NaN);
    }),
  );
  expect(meanLoss(NO_LOSSES)).toBeUndefined();
});

test('the interval of whole losses is the textbook one', () => {
  const found = meanLoss([400, 40, 20]);
  expect(found?.mean).toBeCloseTo(0.05, 12);
  const deviation = Math.sqrt((60 / 400 - 0.05 ** 2) / 400);
  expect(found?.high).toBeCloseTo(0.05 + 1.96 * deviation, 12);
  expect(found?.low).toBeCloseTo(0.05 - 1.96 * deviation, 12);
});
