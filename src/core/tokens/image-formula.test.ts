import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { imageTokens, modelImageSize, type ImageFormula } from './image-formula.ts';
import { modelImageFormula } from './model-image-formula.ts';
import type { ImageDetail } from '../model/prompt.ts';

function tokens(model: string, width: number, height: number, detail?: ImageDetail): number | undefined {
  const formula = modelImageFormula(model, detail);
  return formula === undefined ? undefined : imageTokens({ width, height }, formula);
}

describe('tiles', () => {
  test.each([
    [1024, 1024, 765],
    [2048, 4096, 1105],
    [512, 512, 255],
    [513, 500, 425],
  ])('%i x %i costs %i tokens on gpt-4o', (width, height, expected) => {
    expect(tokens('gpt-4o-2024-08-06', width, height)).toBe(expected);
  });

  test('low detail costs the base alone, whatever the size', () => {
    expect(tokens('gpt-4o', 8000, 50, 'low')).toBe(85);
    expect(tokens('gpt-5', 8000, 50, 'low')).toBe(70);
  });
});

describe('patches', () => {
  test.each([
    ['gpt-5-mini', undefined, 256, 256, 77],
    ['gpt-5-mini', undefined, 1280, 720, 1104],
    ['gpt-5-mini', undefined, 2048, 768, 1844],
    ['gpt-6-astra', undefined, 1024, 1024, 1229],
    ['gpt-6-astra', undefined, 4032, 3024, 14_364],
    ['gpt-6-astra', 'high', 4032, 3024, 2942],
    ['gpt-6-astra', 'high', 2560, 1440, 2931],
    ['gpt-6-astra', 'high', 3840, 2160, 2931],
    ['gpt-5.5', 'auto', 4032, 3024, 11_868],
    ['gpt-5.5', undefined, 3840, 2160, 9792],
  ] as const)('%s at %s: %i x %i was billed as %i', (model, detail, width, height, expected) => {
    expect(tokens(model, width, height, detail)).toBe(expected);
  });

  test('an image of 1800 x 2400 is brought to 33 x 44 patches, as the guide works out', () => {
    expect(tokens('gpt-4.1-mini', 1800, 2400)).toBe(Math.ceil(33 * 44 * 1.62));
  });
});

describe('cells', () => {
  test.each([
    ['claude-haiku-4-5', 256, 256, 100],
    ['claude-haiku-4-5', 1024, 1024, 1369],
    ['claude-haiku-4-5', 1920, 1080, 1560],
    ['claude-sonnet-4-5', 4032, 3024, 1564],
    ['claude-opus-5-5', 1920, 1080, 2691],
    ['anthropic/claude-sonnet-5.5', 1280, 720, 1196],
    ['claude-opus-4-7', 2576, 1449, 4784],
  ])('%s: %i x %i is %i tokens', (model, width, height, expected) => {
    expect(tokens(model, width, height)).toBe(expected);
  });
});

test('a model of an unknown vendor has no formula', () => {
  expect(modelImageFormula('llama-4-scout')).toBeUndefined();
  expect(modelImageFormula('')).toBeUndefined();
});

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

const side = (): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 1, max: 6000 }), fc.integer({ min: 0, max: 2 ** 31 }));

test('a side that is a whole number of cells but for the last digits of a float is not one more', () => {
  const formula = modelImageFormula('claude-opus-5') as Extract<ImageFormula, { readonly kind: 'grid' }>;
  const found = imageTokens({ width: 1_658_923_069, height: 1_497_638_882 }, formula);
  expect(found).toBeLessThanOrEqual(formula.maxCells ?? 0);
});

test('tokens are whole and positive, stay within the limits, and the model never sees more pixels than were sent', () => {
  fc.assert(
    fc.property(fc.constantFrom(...MODELS), side(), side(), (model, width, height) => {
      const formula = modelImageFormula(model) as ImageFormula;
      const found = imageTokens({ width, height }, formula);
      expect(Number.isSafeInteger(found) && found > 0).toBe(true);
      const seen = modelImageSize({ width, height }, formula);
      expect(seen.width).toBeLessThanOrEqual(Math.max(1, width));
      expect(seen.height).toBeLessThanOrEqual(Math.max(1, height));
      if (formula.kind === 'patches' && formula.maxPatches !== undefined)
        expect(found).toBeLessThanOrEqual(Math.ceil((formula.maxPatches * formula.tokensPer100Patches) / 100));
      if (formula.kind === 'grid' && formula.maxCells !== undefined)
        expect(found).toBeLessThanOrEqual(formula.maxCells);
    }),
  );
});
