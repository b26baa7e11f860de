import fc from 'fast-check';
import { expect, test } from 'vitest';

import { imageTokens, type ImageFormula } from './image-formula.ts';
import { imageTarget } from './image-target.ts';
import { modelImageFormula } from './model-image-formula.ts';

function formulaOf(model: string, detail?: 'low' | 'high'): ImageFormula {
  return modelImageFormula(model, detail) as ImageFormula;
}

const MODELS = [
  'gpt-4o',
  'gpt-5-mini',
  'gpt-5.4',
  'gpt-6',
  'claude-haiku-4-5',
  'claude-opus-5',
  'gemini-2.5-pro',
  'gemini-3-pro',
  'mistral-medium',
];

test.each([
  ['gpt-4o', 4032, 3024, 1024, 768, 765],
  ['gpt-4o', 2048, 4096, 768, 1536, 1105],
  ['claude-haiku-4-5', 1920, 1080, 1456, 819, 1560],
  ['claude-opus-5', 1152, 11_520, 258, 2576, 920],
  ['gpt-5.4', 4032, 3024, 1824, 1368, 2942],
])('%s sees %i x %i as %i x %i and bills %i tokens', (model, width, height, seenWidth, seenHeight, tokens) => {
  const target = imageTarget({ width, height }, formulaOf(model));
  expect(target).toEqual({ width: seenWidth, height: seenHeight, tokensBefore: tokens, tokensAfter: tokens });
});

test('an image that the model sees as it is stays', () => {
  expect(imageTarget({ width: 640, height: 480 }, formulaOf('gpt-4o'))).toBeUndefined();
  expect(imageTarget({ width: 9000, height: 9000 }, formulaOf('gemini-3-pro'))).toBeUndefined();
});

test('low detail needs no more than 512 pixels', () => {
  expect(imageTarget({ width: 4000, height: 2000 }, formulaOf('gpt-4o', 'low'))).toMatchObject({
    width: 512,
    height: 256,
    tokensAfter: 85,
  });
});

test('the next step of a tiled image drops a row or column of tiles', () => {
  expect(imageTarget({ width: 1024, height: 1024 }, formulaOf('gpt-4o'), { maxTokens: 'next-step' })).toEqual({
    width: 512,
    height: 512,
    tokensBefore: 765,
    tokensAfter: 255,
  });
  expect(imageTarget({ width: 1280, height: 720 }, formulaOf('claude-opus-5'), { maxTokens: 'next-step' })).toEqual({
    width: 1260,
    height: 708,
    tokensBefore: 1196,
    tokensAfter: 1170,
  });
});

test('a budget that no size meets leaves the image as it is', () => {
  expect(imageTarget({ width: 1000, height: 1000 }, formulaOf('gpt-4o'), { maxTokens: 100 })).toBeUndefined();
  expect(
    imageTarget({ width: 1000, height: 1000 }, formulaOf('gemini-3-pro'), { maxTokens: 'next-step' }),
  ).toBeUndefined();
  expect(imageTarget({ width: 0, height: Number.NaN }, formulaOf('gpt-4o'))).toBeUndefined();
});

const anySide = (): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 2 ** 20 }));

test('without a budget the target costs the same and is seen the same: bringing it down once more changes nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom(...MODELS), anySide(), anySide(), (model, width, height) => {
      const formula = formulaOf(model);
      const target = imageTarget({ width, height }, formula);
      if (target === undefined) return;
      expect(target.tokensAfter).toBe(target.tokensBefore);
      expect(imageTokens(target, formula)).toBe(imageTokens({ width, height }, formula));
      expect(target.width <= width && target.height <= height).toBe(true);
      const again = imageTarget(target, formula);
      // Rounding to whole pixels may leave one more pixel to take.
      if (again !== undefined)
        expect(target.width - again.width + (target.height - again.height)).toBeLessThanOrEqual(2);
    }),
  );
});

test('with a budget the target never costs more than it, keeps the shape, and one pixel more would cost more', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...MODELS.filter((model) => !model.startsWith('gemini'))),
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 5000 }),
      fc.double({ min: 0, max: 1.2, noNaN: true }),
      (model, width, height, share) => {
        const formula = formulaOf(model);
        const before = imageTokens({ width, height }, formula);
        const maxTokens = Math.floor(before * share);
        const target = imageTarget({ width, height }, formula, { maxTokens });
        if (target === undefined) return;
        expect(target.tokensAfter).toBeLessThanOrEqual(Math.min(maxTokens, before));
        const longer = Math.max(width, height);
        const edge = Math.max(target.width, target.height);
        expect(Math.abs(target.width - (width * edge) / longer)).toBeLessThanOrEqual(1);
        expect(Math.abs(target.height - (height * edge) / longer)).toBeLessThanOrEqual(1);
        if (maxTokens >= before) return;
        const larger = {
          width: Math.max(1, Math.floor((width * (edge + 1)) / longer)),
          height: Math.max(1, Math.floor((height * (edge + 1)) / longer)),
        };
        expect(imageTokens(larger, formula)).toBeGreaterThan(maxTokens);
      },
    ),
  );
});
