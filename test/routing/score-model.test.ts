import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FarthingError } from '../../src/core/errors.ts';
import { packNumbers, packRising, unpackNumbers, unpackRising } from '../../src/core/score/packed-numbers.ts';
import { readScoreModel } from '../../src/core/score/read-score-model.ts';
import type { ScoreModel } from '../../src/core/score/score-model.ts';
import { scoreOf } from '../../src/core/score/score-of.ts';
import {
  LEAST_PAIRS,
  trainScore,
  type TrainingOptions,
  type TrainingResult,
} from '../../src/core/score/train-score.ts';
import { anyText } from '../support/routing/any-text.ts';
import { madePairs } from '../support/routing/made-pairs.ts';

const OPTIONS: TrainingOptions = {
  targets: { cheap: 'small', strong: 'large' },
  categoryTag: undefined,
  maxQualityLoss: 0.05,
  confidenceRatio: 0.9,
  resamples: 40,
  seed: 1,
};
const TELLING = madePairs(800, { isTelling: true });
const trained = trainedOf(trainScore(TELLING, OPTIONS));

function trainedOf(result: TrainingResult): Extract<TrainingResult, { readonly kind: 'trained' }> {
  if (result.kind === 'trained') return result;
  throw new Error(`${result.missing} pairs are missing`);
}

function copyOf(model: ScoreModel): Record<string, unknown> {
  return JSON.parse(JSON.stringify(model)) as Record<string, unknown>;
}

describe('training', () => {
  test('what words tell is learnt: hard prompts score high, and a threshold for the others is certified', () => {
    const { model, worth } = trained;
    expect(worth).toBe('useful');
    expect(model.apgr?.low).toBeGreaterThan(0.6);
    const threshold = model.certified?.threshold ?? Number.NaN;
    expect(scoreOf(model, 'Please greet my recipe again, number 17.')).toMatchObject({ kind: 'score' });
    const scored = (text: string): number => {
      const verdict = scoreOf(model, text);
      return verdict.kind === 'score' ? verdict.score : Number.NaN;
    };
    expect(scored('Please spell the invoice for me, number 17.')).toBeLessThanOrEqual(threshold);
    expect(scored('Please prove the invoice for me, number 17.')).toBeGreaterThan(threshold);
    expect(model.certified?.cheapRatio).toBeGreaterThan(0.3);
    expect(model.certified).toMatchObject({ pairs: model.pairs.heldOut, maxQualityLoss: 0.05, confidenceRatio: 0.9 });
  });

  test('the same pairs and seed make the same model, another seed another one', () => {
    expect(trainedOf(trainScore(TELLING, OPTIONS)).model).toEqual(trained.model);
    expect(trainedOf(trainScore(TELLING, { ...OPTIONS, seed: 2 })).model.id).not.toBe(trained.model.id);
  });

  test('fewer than 500 judged pairs are refused, and it is said how many are missing', () => {
    expect(trainScore(TELLING.slice(0, LEAST_PAIRS - 88), OPTIONS)).toEqual({ kind: 'too-few', missing: 88 });
    expect(trainScore(TELLING.slice(0, LEAST_PAIRS), OPTIONS).kind).toBe('trained');
  });

  test('where words tell nothing the score is called no better than chance, and has no threshold', () => {
    const { worth, model } = trainedOf(trainScore(madePairs(600, { isTelling: false }), OPTIONS));
    expect(worth).toBe('chance');
    expect(model.certified).toBeNull();
  });

  test('where the strong target is no better there is nothing to tell apart, and no threshold', () => {
    const pairs = TELLING.map((pair) => ({ ...pair, strong: pair.cheap }));
    const { worth, model } = trainedOf(trainScore(pairs, OPTIONS));
    expect(worth).toBe('no-gap');
    expect([model.apgr, model.certified]).toEqual([null, null]);
  });

  test('a loss that nobody can show is certified for no call', () => {
    const { worth, model } = trainedOf(trainScore(TELLING, { ...OPTIONS, maxQualityLoss: 1e-6 }));
    expect(worth).toBe('useful');
    expect(model.certified).toBeNull();
  });

  test('qualities between 0 and 1 are learnt from as they are', () => {
    const pairs = TELLING.map((pair) => ({ ...pair, cheap: pair.cheap * 0.9, strong: pair.strong * 0.9 }));
    const { model } = trainedOf(trainScore(pairs, OPTIONS));
    expect(model.apgr?.low).toBeGreaterThan(0.6);
    expect(model.certified?.cheapRatio ?? 0).toBeLessThanOrEqual(trained.model.certified?.cheapRatio ?? 0);
  });
});

describe('a prompt unlike the training', () => {
  test.each([
    ['another language', 'Сколько стоит фартинг в старых английских деньгах, если шиллинг это двенадцать пенсов?'],
    ['code', 'function add(a, b) {\n  return a + b;\n}\n'.repeat(20)],
    ['nothing', ''],
    ['a megabyte of one letter', 'a'.repeat(1_000_000)],
  ])('is not scored: %s', (_name, text) => {
    const verdict = scoreOf(trained.model, text);
    expect(verdict.kind).toBe('out-of-distribution');
    if (verdict.kind === 'out-of-distribution') {
      expect(verdict.drift).toBeGreaterThan(1);
      expect(verdict.drift).toBeLessThanOrEqual(1000);
    }
  });

  test('most of those like the training are scored', () => {
    const others = madePairs(400, { isTelling: true, seed: 9 });
    const strange = others.filter(({ text }) => scoreOf(trained.model, text).kind !== 'score');
    expect(strange.length / others.length).toBeLessThanOrEqual(0.05);
  });

  test('a score with categories knows no call without one of them', () => {
    const pairs = TELLING.map((pair, at) => ({ ...pair, category: at % 2 === 0 ? 'mint' : 'bank' }));
    const { model } = trainedOf(trainScore(pairs, { ...OPTIONS, categoryTag: 'task' }));
    const kindOf = (category?: string): string => scoreOf(model, TELLING[0]?.text ?? '', category).kind;
    expect(model.parameters.categories).toEqual(['bank', 'mint']);
    expect([kindOf('mint'), kindOf('toll'), kindOf()]).toEqual(['score', 'out-of-distribution', 'out-of-distribution']);
  });

  test('any text gets a verdict that JSON can hold', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const verdict = scoreOf(trained.model, text);
        expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a score as a file', () => {
  test('comes back as it was, and scores as before', () => {
    const read = readScoreModel(copyOf(trained.model));
    expect(read).toEqual(trained.model);
    for (const { text } of TELLING.slice(0, 50)) expect(scoreOf(read, text)).toEqual(scoreOf(trained.model, text));
  });

  test('one that was learnt from a single prompt, again and again, can be read and knows that prompt alone', () => {
    const pairs = TELLING.slice(0, 500).map(({ category, cheap, strong }) => ({
      text: 'What is a farthing?',
      category,
      cheap,
      strong,
    }));
    const { model } = trainedOf(trainScore(pairs, OPTIONS));
    const read = readScoreModel(copyOf(model));
    expect(scoreOf(read, 'What is a farthing?').kind).toBe('score');
    expect(scoreOf(read, 'What is a groat?').kind).toBe('out-of-distribution');
  });

  test('one that was changed is not taken', () => {
    const changed = { ...copyOf(trained.model), certified: { ...trained.model.certified, threshold: 0.9 } };
    expect(() => readScoreModel(changed)).toThrow(/id: does not fit the rest/);
  });

  test.each([
    [null, 'score: is not an object'],
    [[], 'score: is not an object'],
    [{}, 'version: is not 1'],
    [{ ...trained.model, version: 2 }, 'version: is not 1'],
    [{ ...trained.model, targets: { cheap: 'small' } }, 'targets.strong: is not a text'],
    [{ ...trained.model, certified: {} }, 'certified.threshold: is not a number'],
    [{ ...trained.model, pairs: { trained: -1, heldOut: 1 } }, 'pairs.trained: is not a whole number'],
    [
      { ...trained.model, parameters: { ...trained.model.parameters, scale: { means: [] } } },
      'does not hold 10 numbers',
    ],
  ])('one that is none is refused by what is wrong, %#', (value, message) => {
    expect(() => readScoreModel(value)).toThrow(message);
  });

  test('whatever stands in a file, it is read or refused', () => {
    const paths = pathsOf(trained.model);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.anything(), (path, value) => {
        const changed = copyOf(trained.model);
        setAt(changed, path, value);
        try {
          readScoreModel(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(FarthingError);
        }
      }),
      { numRuns: 200 },
    );
    expect(() => readScoreModel(JSON.parse('{"version":1,"__proto__":{"id":"x"}}'))).toThrow(FarthingError);
  });
});

describe('packed numbers', () => {
  test('rising whole numbers come back', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(262_143)), (numbers) => {
        const rising = Int32Array.from(numbers).toSorted();
        expect(unpackRising(packRising(rising), 262_144)).toEqual(rising);
      }),
    );
  });

  test('no text makes numbers beyond the limit, or takes long', () => {
    fc.assert(
      fc.property(fc.base64String(), (text) => {
        const numbers = unpackRising(text, 1000);
        expect((numbers ?? []).every((number, at) => number < 1000 && number > (numbers?.[at - 1] ?? -1))).toBe(true);
      }),
    );
    expect(unpackRising('not base64!', 10)).toBeUndefined();
    expect(unpackRising(btoa('\u00ff'.repeat(5000)), 10)).toBeUndefined();
  });

  test('numbers come back to half a step', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), (numbers) => {
        const packed = packNumbers(numbers);
        const back = unpackNumbers(packed);
        numbers.forEach((number, at) =>
          expect(Math.abs(number - (back?.[at] ?? Number.NaN))).toBeLessThanOrEqual(packed.unit * 0.501),
        );
      }),
    );
  });
});

/** Paths to all members that are no parts of lists. */
function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...path, key]))].filter(
    (found) => found.length > 0,
  );
}

function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const last = path.at(-1) ?? '';
  let holder = target;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  holder[last] = value;
}
