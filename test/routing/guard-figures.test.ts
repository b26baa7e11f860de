import { beforeAll, describe, expect, test } from 'vitest';
import { type ScoredLoss, thresholdCalibration, thresholdGrid } from '../../src/core/guard/calibrated-threshold.ts';
import { seededChance } from '../support/cache-traces.ts';
import { calibrationFigures, drawnFrom, meanOf, naiveThreshold, samplesNeeded } from '../support/guard-replays.ts';
import { plugInSamplesNeeded, plugInThreshold } from '../support/plug-in-bets.ts';
import { MMLU_ROWS, scoredMmlu } from '../support/scored-mmlu.ts';
import { hasData } from '../support/shared-data.ts';

/** All figures with their tables: `bench/routing-guard.bench.ts`. These are the ones that are quick. */
const REPLAYS = 300;
const STEPS = 40;

/** A share of cases of which at most `alpha` are expected, with two deviations of what chance does to it. */
function withChance(alpha: number, cases: number): number {
  return alpha + 2 * Math.sqrt((alpha * (1 - alpha)) / cases);
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

describe.skipIf(!hasData(...MMLU_ROWS))('on outcomes of MMLU', () => {
  let rows: readonly ScoredLoss[] = [];
  let thresholds: readonly number[] = [];
  let easy: readonly number[] = [];
  let hard: readonly number[] = [];

  beforeAll(() => {
    rows = scoredMmlu();
    thresholds = thresholdGrid(
      rows.map(({ score }) => score),
      STEPS,
    );
    const losses = rows.map(({ loss }) => loss);
    easy = losses.slice(0, Math.floor(0.25 * losses.length));
    hard = losses.slice(Math.floor(0.8 * losses.length));
  });

  test.each([
    { maxQualityLoss: 0.01, samples: 200 },
    { maxQualityLoss: 0.02, samples: 200 },
    { maxQualityLoss: 0.02, samples: 1000 },
    { maxQualityLoss: 0.05, samples: 1000 },
  ])(
    'a calibration keeps a loss of $maxQualityLoss with $samples pairs, where the naive threshold breaks it, and certifies more than bets',
    (cell) => {
      const terms = { ...cell, replays: REPLAYS };
      const calibrate = thresholdCalibration(cell.samples, { ...cell, alpha: 0.1, thresholds });
      const ours = calibrationFigures(rows, terms, calibrate, seededChance(11));
      const naive = calibrationFigures(
        rows,
        terms,
        (pairs) => naiveThreshold(pairs, thresholds, cell.maxQualityLoss),
        seededChance(11),
      );
      expect(ours.violationRatio).toBeLessThanOrEqual(withChance(0.1, REPLAYS));
      expect(naive.violationRatio).toBeGreaterThan(withChance(0.1, REPLAYS));
      const plugIn = calibrationFigures(
        rows,
        terms,
        (pairs) => plugInThreshold(pairs, thresholds, cell.maxQualityLoss, 0.1),
        seededChance(11),
      );
      expect(ours.shareRatio).toBeGreaterThan(plugIn.shareRatio * 1.15);
    },
  );

  test('at the border, false certificates and false alarms are at most alpha, however often one looks', () => {
    const replays = 150;
    const limit = meanOf(easy);
    for (const side of ['certify', 'alarm'] as const) {
      const chance = seededChance(12);
      const terms = { side, limit, alpha: 0.05, mostSamples: 1000 };
      const wrong = Array.from({ length: replays }, () => samplesNeeded(terms, drawnFrom(easy, chance)));
      expect(wrong.filter(Number.isFinite).length / replays).toBeLessThanOrEqual(withChance(0.05, replays));
    }
  });

  test.each([0.1, 0.05])('a margin of %d is certified sooner than by bets on the mean so far', (margin) => {
    const terms = { side: 'certify', limit: meanOf(easy) + margin, alpha: 0.05, mostSamples: 3000 } as const;
    const needed = (by: typeof samplesNeeded): number => {
      const chance = seededChance(13);
      return median(Array.from({ length: 200 }, () => by(terms, drawnFrom(easy, chance))));
    };
    expect(needed(samplesNeeded)).toBeLessThan(needed(plugInSamplesNeeded));
  });

  test('a fall from 0.02 to 0.22 raises the alarm within 101 samples, and after a long good past still soon', () => {
    const chance = seededChance(14);
    const terms = { side: 'alarm', limit: meanOf(easy) + 0.06, alpha: 0.05, mostSamples: 4000 } as const;
    const fresh = Array.from({ length: 400 }, () => samplesNeeded(terms, drawnFrom(hard, chance)));
    expect(median(fresh)).toBeLessThanOrEqual(
      median(Array.from({ length: 400 }, () => plugInSamplesNeeded(terms, drawnFrom(hard, chance)))),
    );
    expect(median(fresh)).toBeLessThanOrEqual(101);
    const late = Array.from({ length: 40 }, () =>
      samplesNeeded(terms, drawnFrom(hard, chance), [drawnFrom(easy, chance), 1000]),
    );
    expect(median(late)).toBeLessThanOrEqual(400);
  });
});
