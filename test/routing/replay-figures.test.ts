import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootstrapIntervals } from '../../src/core/replay/bootstrap-intervals.ts';
import { agreementCascade, checkCascade, failsChecks } from '../../src/core/replay/cascade-decisions.ts';
import { categoryFit } from '../../src/core/replay/category-fit.ts';
import { certifiedDecisions } from '../../src/core/replay/certified-decisions.ts';
import type { ModelOutcome } from '../../src/core/replay/outcome-row.ts';
import { foldsOf, outOfFoldScores } from '../../src/core/replay/out-of-fold.ts';
import type { PairedRow, PricedOutcome } from '../../src/core/replay/paired-rows.ts';
import { pointFigures } from '../../src/core/replay/point-figures.ts';
import { type ReplayRow, routedRows } from '../../src/core/replay/replay-row.ts';
import { curveFigures, savedAtQuality, scoredRows } from '../../src/core/replay/score-curve.ts';
import { seededFractions } from '../../src/core/replay/seeded-fractions.ts';

function outcome(quality: number, costUsd: number, more: Partial<ModelOutcome> = {}): PricedOutcome {
  const unknown = { isValid: undefined, isFormatOk: undefined, latencySeconds: undefined, errorType: undefined };
  const tokens = { inputTokens: undefined, outputTokens: undefined, assumedCostUsd: undefined };
  return { answer: undefined, ...unknown, ...tokens, ...more, quality, costUsd };
}

function paired(cheap: PricedOutcome, strong: PricedOutcome, ...checkers: readonly PricedOutcome[]): PairedRow {
  return { row: { id: undefined, prompt: 'p', domain: undefined, models: new Map() }, cheap, strong, checkers };
}

/** Rows of [cheap quality, strong quality]; the cheap model costs 1, the strong one 10. */
function rowsOf(...qualities: readonly (readonly [number, number])[]): readonly ReplayRow[] {
  return routedRows(qualities.map(([cheap, strong]) => paired(outcome(cheap, 1), outcome(strong, 10))));
}

const FOUR = rowsOf([0, 1], [1, 1], [0, 0], [1, 1]);

describe('a score', () => {
  test('that sends the one row in need first has the whole gap after a quarter', () => {
    const figures = curveFigures(scoredRows(FOUR, [9, 3, 2, 1]));
    // Quality 2, 3, 3, 3, 3 of strong's 3 while 0, 1, 2, 3, 4 rows are sent; cost 4, 13, 22, 31, 40.
    expect(figures.apgr).toBeCloseTo(1 - 0.125, 12);
    expect(figures.cpt50Ratio).toBeCloseTo(0.125, 12);
    expect(figures.cpt80Ratio).toBeCloseTo(0.2, 12);
    expect(figures.savedAt100Ratio).toBeCloseTo(1 - 13 / 40, 12);
    // 95 % of 3 is 2.85, at 0.85 of the way: 4 + 0.85 * 9.
    expect(figures.savedAt95Ratio).toBeCloseTo(1 - 11.65 / 40, 12);
    expect(figures.bestQualityRatio).toBe(1);
  });

  test('that sends it last recovers nothing until the end', () => {
    const figures = curveFigures(scoredRows(FOUR, [1, 3, 2, 9]));
    expect(figures.apgr).toBeCloseTo(0.125, 12);
    expect(figures.cpt50Ratio).toBeCloseTo(0.875, 12);
    expect(figures.savedAt100Ratio).toBeCloseTo(0, 12);
  });

  test('can be better than the strong model', () => {
    const figures = curveFigures(scoredRows(rowsOf([0, 1], [1, 0], [0, 1]), [2, 1, 3]));
    expect(figures.bestQualityRatio).toBe(1.5);
    expect(figures.savedAt100Ratio).toBeGreaterThan(0.4);
  });

  test('of rows with one score is what a random part of them gives on average', () => {
    const figures = curveFigures(scoredRows(FOUR, [5, 5, 5, 5]));
    expect(figures.apgr).toBeCloseTo(0.5, 12);
    expect(figures.cpt80Ratio).toBeCloseTo(0.8, 12);
    expect(savedAtQuality(scoredRows(FOUR, [5, 5, 5, 5]), 1)).toBeCloseTo(0, 12);
  });

  test('has no recovered gap where the strong model is no better, and no saving where it is never right or free', () => {
    const level = curveFigures(scoredRows(rowsOf([1, 1], [0, 0]), [1, 2]));
    expect([level.apgr, level.cpt50Ratio]).toEqual([undefined, undefined]);
    expect(level.savedAt100Ratio).toBeCloseTo(0.9, 12);
    const never = curveFigures(scoredRows(rowsOf([0, 0]), [1]));
    expect([never.savedAt95Ratio, never.bestQualityRatio]).toEqual([undefined, undefined]);
    expect(curveFigures(scoredRows([], []))).toMatchObject({ apgr: undefined, savedAt95Ratio: undefined });
    expect(savedAtQuality(scoredRows(FOUR, [9, 3, 2, 1]), 1.01)).toBeUndefined();
  });

  test('that is not known sends the row first', () => {
    expect(scoredRows(FOUR, [1, Number.NaN, 2, Infinity]).groups).toEqual([[1, 3], [2], [0]]);
  });
});

test('decided calls have the quality, cost and share that they have', () => {
  expect(pointFigures(FOUR, [true, false, false, false])).toEqual({
    quality: 0.75,
    costUsd: 13 / 4,
    qualityRatio: 1,
    savedRatio: 1 - 13 / 40,
    sentRatio: 0.25,
  });
  expect(pointFigures([], [])).toEqual({
    quality: undefined,
    costUsd: undefined,
    qualityRatio: undefined,
    savedRatio: undefined,
    sentRatio: undefined,
  });
});

describe('a cascade', () => {
  const strong = outcome(1, 10);
  const said = (answer: string | null, costUsd = 1): PricedOutcome => outcome(0, costUsd, { answer });

  test('keeps what all checkers say too, and pays those that it asked', () => {
    const rows = [
      paired(said('a'), strong, said('a', 2), said('a', 4)),
      paired(said('a'), strong, said('b', 2), said('a', 4)),
      paired(said('a'), strong, said('a', 2), said('b', 4)),
      paired(said(null), strong, said(null, 2), said(null, 4)),
      paired(said('a'), strong, said(null, 2), said('a', 4)),
    ];
    const { rows: steps, isSent } = agreementCascade(rows, (left, right) => left === right);
    expect(isSent).toEqual([false, true, true, true, true]);
    expect(steps.map(({ kept }) => kept.costUsd)).toEqual([7, 3, 7, 1, 3]);
    expect(steps.map(({ sent }) => sent.costUsd)).toEqual([17, 13, 17, 11, 13]);
    expect(steps.every((step) => step.strong.costUsd === 10)).toBe(true);
  });

  test('escalates what a check can see, and not what only the grader knows', () => {
    const failing = ['ast_decoder:decoder_failed', 'type_error:nested', 'simple_function_checker:missing_required'];
    const passing = ['value_error:string', 'parallel_function_checker_no_order:cannot_find_match', undefined];
    const row = (errorType: string | undefined, isValid?: boolean): PairedRow =>
      paired(outcome(0, 1, { errorType, isValid }), strong);
    const rows = [
      ...failing.map((type) => row(type)),
      row(undefined, false),
      ...passing.map((type) => row(type)),
      row('', true),
    ];
    const { isSent, rows: steps } = checkCascade(rows, failsChecks);
    expect(isSent).toEqual([true, true, true, true, false, false, false, false]);
    expect(steps[0]).toMatchObject({ kept: { costUsd: 1 }, sent: { quality: 1, costUsd: 11 } });
  });
});

describe('what is learnt', () => {
  test('never comes from the row itself', () => {
    const seen: (readonly number[])[] = [];
    const scores = outOfFoldScores(11, { folds: 3, repeats: 2, seed: 1 }, (training) => {
      seen.push(training);
      return (index) => (training.includes(index) ? 1 : 0);
    });
    expect([...scores]).toEqual(Array.from({ length: 11 }, () => 0));
    expect(seen).toHaveLength(6);
  });

  test('is parted into folds that hold each row once', () => {
    const folds = foldsOf(10, 4, 3);
    expect(folds.map(({ length }) => length)).toEqual([3, 3, 2, 2]);
    expect(folds.flat().toSorted((left, right) => left - right)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(foldsOf(10, 4, 3)).toEqual(folds);
    expect(foldsOf(10, 4, 4)).not.toEqual(folds);
  });

  test('of categories is their mean gain, drawn to that of all', () => {
    const of = (domain: string, gain: number): PairedRow => {
      const row = paired(outcome(0, 1), outcome(gain, 10));
      return { ...row, row: { ...row.row, domain } };
    };
    const rows = [of('hard', 1), of('hard', 1), of('easy', 0), of('easy', 0), of('new', 1)];
    const scoreOf = categoryFit(rows)([0, 1, 2, 3]);
    expect([scoreOf(0), scoreOf(2), scoreOf(4)]).toEqual([4.5 / 7, 2.5 / 7, 0.5]);
  });

  describe('and certified', () => {
    // Of 900 rows the last 300 need the strong model; the score is right about which.
    const rows = Array.from({ length: 900 }, (_, index) => paired(outcome(index < 600 ? 1 : 0, 1), outcome(1, 10)));
    const options = { folds: 2, seed: 1, maxQualityLoss: 0.02, confidenceRatio: 0.9 };

    test('is decided by thresholds of other rows', () => {
      const trained: number[] = [];
      const fit = (training: readonly number[]) => {
        trained.push(training.length);
        return (index: number): number => index;
      };
      const { isSent, refusedFolds } = certifiedDecisions(rows, options, fit);
      expect(trained).toEqual([300, 300, 300]);
      expect(refusedFolds).toBe(0);
      const { sentRatio = 0, quality = 0 } = pointFigures(routedRows(rows), isSent);
      expect(quality).toBeGreaterThan(0.98);
      expect(sentRatio).toBeLessThan(0.4);
    });

    test('goes to the strong model where nothing is certain, or nothing is known of the row', () => {
      const backwards = certifiedDecisions(rows, options, () => (index) => -index);
      expect(backwards).toEqual({ isSent: rows.map(() => true), refusedFolds: 3 });
      const blind = certifiedDecisions(rows, options, () => (index) => (index % 2 === 0 ? index : Number.NaN));
      expect(blind.isSent.filter((sent, index) => !sent && index % 2 === 1)).toEqual([]);
      expect(blind.isSent.filter((sent) => !sent).length).toBeGreaterThan(200);
    });

    test('takes graded qualities too', () => {
      const graded = rows.map((_, index) => paired(outcome(index < 600 ? 0.99 : 0.5, 1), outcome(1, 10)));
      const { isSent } = certifiedDecisions(graded, { ...options, maxQualityLoss: 0.1 }, () => (index) => index);
      expect(pointFigures(routedRows(graded), isSent).sentRatio).toBeLessThan(0.5);
    });
  });
});

describe('for any table', () => {
  const quality = fc.constantFrom(0, 0.25, 1);
  const row = fc.record({
    cheap: quality,
    strong: quality,
    costUsd: fc.integer({ min: 1, max: 20 }),
    score: fc.nat(6),
  });
  const table = fc.array(row, { minLength: 1, maxLength: 60 });
  type Table = readonly { cheap: number; strong: number; costUsd: number; score: number }[];
  const stepsOf = (rows: Table): readonly ReplayRow[] =>
    routedRows(rows.map(({ cheap, strong, costUsd }) => paired(outcome(cheap, 1), outcome(strong, costUsd))));

  test('sending at random recovers half of the gap', () => {
    fc.assert(
      fc.property(table, (rows) => {
        const { apgr } = curveFigures(
          scoredRows(
            stepsOf(rows),
            rows.map(() => 0),
          ),
        );
        if (apgr !== undefined) expect(apgr).toBeCloseTo(0.5, 9);
      }),
    );
  });

  test('the oracle is never behind another score', () => {
    fc.assert(
      fc.property(table, (rows) => {
        const steps = stepsOf(rows);
        const oracle = curveFigures(
          scoredRows(
            steps,
            rows.map(({ cheap, strong }) => strong - cheap),
          ),
        );
        const other = curveFigures(
          scoredRows(
            steps,
            rows.map(({ score }) => score),
          ),
        );
        expect(oracle.bestQualityRatio ?? 1).toBeGreaterThanOrEqual((other.bestQualityRatio ?? 1) - 1e-9);
        if (oracle.apgr === undefined || other.apgr === undefined) return;
        expect(oracle.apgr).toBeGreaterThanOrEqual(other.apgr - 1e-9);
        expect(oracle.cpt50Ratio).toBeLessThanOrEqual((other.cpt50Ratio ?? 0) + 1e-9);
        expect(oracle.cpt80Ratio).toBeLessThanOrEqual((other.cpt80Ratio ?? 0) + 1e-9);
      }),
    );
  });

  test('a reversed score is its mirror', () => {
    fc.assert(
      fc.property(table, (rows) => {
        const steps = stepsOf(rows);
        const forth = curveFigures(
          scoredRows(
            steps,
            rows.map(({ score }) => score),
          ),
        );
        const back = curveFigures(
          scoredRows(
            steps,
            rows.map(({ score }) => -score),
          ),
        );
        if (forth.apgr !== undefined && back.apgr !== undefined) expect(forth.apgr + back.apgr).toBeCloseTo(1, 9);
      }),
    );
  });

  test('counting a row twice is the same as having it twice', () => {
    fc.assert(
      fc.property(table, fc.infiniteStream(fc.nat(3)), (rows, stream) => {
        const counts = rows.map(() => stream.next().value ?? 1);
        const copied = rows.flatMap((one, index) => Array.from({ length: counts[index] ?? 0 }, () => one));
        const isSent = (some: Table): readonly boolean[] => some.map(({ score }) => score > 3);
        const close = (left: object, right: object): void => {
          const rights = Object.values(right) as (number | undefined)[];
          Object.values(left).forEach((value: number | undefined, index) => {
            if (value === undefined) expect(rights[index]).toBeUndefined();
            else expect(value).toBeCloseTo(rights[index] ?? Number.NaN, 9);
          });
        };
        const scores = (some: Table): readonly number[] => some.map(({ score }) => score);
        close(
          curveFigures(scoredRows(stepsOf(rows), scores(rows)), counts),
          curveFigures(scoredRows(stepsOf(copied), scores(copied))),
        );
        close(pointFigures(stepsOf(rows), isSent(rows), counts), pointFigures(stepsOf(copied), isSent(copied)));
      }),
    );
  });

  test('the interval of a mean holds the mean', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 20, maxLength: 60 }), fc.nat(), (rows, seed) => {
        const steps = stepsOf(rows);
        const isSent = rows.map(({ score }) => score > 3);
        const { quality: mean = 0 } = pointFigures(steps, isSent);
        const { quality: interval } = bootstrapIntervals(steps.length, { resamples: 100, seed }, (counts) => ({
          ...pointFigures(steps, isSent, counts),
        }));
        expect(interval?.low).toBeLessThanOrEqual(mean + 1e-9);
        expect(interval?.high).toBeGreaterThanOrEqual(mean - 1e-9);
      }),
    );
  });
});

describe('an interval', () => {
  const half = (counts: ArrayLike<number>): { readonly mean: number } => {
    let sum = 0;
    for (let index = 0; index < counts.length; index += 2) sum += counts[index] ?? 0;
    return { mean: sum / counts.length };
  };

  test('has the width that theory gives it, and is the same for the same seed', () => {
    const options = { resamples: 2000, seed: 5 };
    const { mean: interval } = bootstrapIntervals(400, options, half);
    // 1.96 standard errors of a share of one half in 400 draws: 0.049.
    expect(interval?.low).toBeCloseTo(0.451, 2);
    expect(interval?.high).toBeCloseTo(0.549, 2);
    expect(bootstrapIntervals(400, options, half).mean).toEqual(interval);
  });

  test('is not made up where a figure is missing on too many draws, or where nobody drew', () => {
    let round = 0;
    const figures = bootstrapIntervals(10, { resamples: 100, seed: 1 }, () => {
      round += 1;
      return { rare: round % 10 === 0 ? undefined : 1, common: round === 1 ? undefined : 1 };
    });
    expect(figures).toEqual({ common: { low: 1, high: 1 } });
    expect(bootstrapIntervals(10, { resamples: 0, seed: 1 }, half)).toEqual({});
  });
});

test('fractions are even, and those of neighbouring seeds have nothing to do with each other', () => {
  const drawn = [1, 2].map((seed) => {
    const fraction = seededFractions(seed);
    return Array.from({ length: 5000 }, () => fraction());
  });
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [first = [], second = []] = drawn;
  expect(mean(first)).toBeCloseTo(0.5, 1);
  expect(mean(first.map((value, index) => (value - 0.5) * ((second[index] ?? 0) - 0.5)))).toBeCloseTo(0, 2);
  expect([...first, ...second].every((value) => value >= 0 && value < 1)).toBe(true);
});
