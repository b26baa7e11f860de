import { describe, expect, test } from 'vitest';
import { agreementCascade, checkCascade, failsChecks } from '../../src/core/replay/cascade-decisions.ts';
import { categoryFit } from '../../src/core/replay/category-fit.ts';
import { certifiedDecisions } from '../../src/core/replay/certified-decisions.ts';
import { outOfFoldScores } from '../../src/core/replay/out-of-fold.ts';
import { pointFigures } from '../../src/core/replay/point-figures.ts';
import { routedRows } from '../../src/core/replay/replay-row.ts';
import { sameAnswer } from '../../src/core/replay/same-answer.ts';
import { curveFigures, scoredRows } from '../../src/core/replay/score-curve.ts';
import { seededFractions } from '../../src/core/replay/seeded-fractions.ts';
import {
  FLASH,
  GPT_4O_AUGUST,
  GPT_4O_MAY,
  hasRoutingData,
  MINI,
  routingPairs,
  routingRows,
} from '../support/routing-outcomes.ts';

/** Figures of the issue; see `bench/routing.bench.ts` for all of them. */
describe.skipIf(!hasRoutingData())('on recorded outcomes', () => {
  test.each([
    { at: 'its list price', prices: {} },
    { at: 'the later price', prices: { [GPT_4O_MAY]: [2.5, 10] as const } },
  ])('two cheap models that agree hold the quality of gpt-4o and save most of its cost, at $at', ({ prices }) => {
    const models = { cheap: MINI, strong: GPT_4O_MAY, checkers: [FLASH] };
    const rows = routingPairs(routingRows('zeroeval-gsm', 'zeroeval-crux'), models, prices);
    expect(rows).toHaveLength(1401);
    const cascade = agreementCascade(rows, sameAnswer);
    const { qualityRatio, savedRatio } = pointFigures(cascade.rows, cascade.isSent);
    expect(qualityRatio).toBeGreaterThanOrEqual(0.995);
    expect(savedRatio).toBeGreaterThanOrEqual(0.6);
  });

  test('answers that are equal as texts give the figures of the facts: 99.2 % at 62.5 %', () => {
    const models = { cheap: MINI, strong: GPT_4O_AUGUST, checkers: [FLASH] };
    const rows = routingPairs(routingRows('zeroeval-gsm', 'zeroeval-crux'), models);
    const cascade = agreementCascade(rows, (left, right) => left === right);
    const { qualityRatio, savedRatio, sentRatio } = pointFigures(cascade.rows, cascade.isSent);
    expect(qualityRatio).toBeCloseTo(0.9915, 4);
    expect(savedRatio).toBeCloseTo(0.6252, 3);
    expect(sentRatio).toBeCloseTo(0.212, 3);
  });

  test('tool calls that are checked against their schema hold 99.5 % of gpt-4o and save 80 %', () => {
    const models = { cheap: `${MINI}-FC`, strong: `${GPT_4O_AUGUST}-FC` };
    const rows = routingPairs(routingRows('bfcl-2024-08-11'), models);
    expect(rows).toHaveLength(951);
    const cascade = checkCascade(rows, failsChecks);
    const { qualityRatio, savedRatio } = pointFigures(cascade.rows, cascade.isSent);
    expect(qualityRatio).toBeGreaterThanOrEqual(0.995);
    expect(savedRatio).toBeGreaterThanOrEqual(0.8);
  });

  describe('of MMLU', () => {
    const rows = hasRoutingData()
      ? routingPairs(routingRows('routellm-mmlu'), { cheap: 'weak', strong: 'strong' })
      : [];
    const steps = routedRows(rows);

    test('a table of categories recovers two thirds of the gap, out of fold, on any parting of the rows', () => {
      for (const seed of [1, 2, 3]) {
        const scores = outOfFoldScores(rows.length, { folds: 2, seed }, categoryFit(rows));
        expect(curveFigures(scoredRows(steps, scores)).apgr).toBeGreaterThanOrEqual(0.66);
      }
    });

    test('scores by chance recover half of it', () => {
      const fraction = seededFractions(1);
      const drawn = Array.from(
        { length: 20 },
        () =>
          curveFigures(
            scoredRows(
              steps,
              steps.map(() => fraction()),
            ),
          ).apgr ?? Number.NaN,
      );
      const mean = drawn.reduce((sum, apgr) => sum + apgr, 0) / drawn.length;
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    });

    test('a certified threshold loses no more than it may, and saves something', () => {
      const options = { folds: 3, seed: 1, maxQualityLoss: 0.02, confidenceRatio: 0.9 };
      const { isSent, refusedFolds } = certifiedDecisions(rows, options, categoryFit(rows));
      const { quality = 0, savedRatio } = pointFigures(steps, isSent);
      const { quality: strong = 0 } = pointFigures(
        steps,
        steps.map(() => true),
      );
      expect(refusedFolds).toBe(0);
      expect(strong - quality).toBeLessThanOrEqual(0.02);
      expect(savedRatio).toBeGreaterThan(0.2);
    });
  });
});
