import type { ImageFormula } from './image-formula.ts';

/** The widest image that a provider was seen to take: OpenAI refuses more than 30,000 patches. */
const MAX_PATCHES = 30_000;

/** The most tiles of 512 that an image fits into once its short side is at most 768: OpenAI's 2 x 4. */
const MAX_TILES = 8;

/** Sides beyond which no provider takes an image, in crops and cells: Gemini and Claude refuse more than 8,000 pixels, open models scale down earlier. */
const MAX_SIDE_PIXELS = 8192;

/** The most that a formula makes of any image that a provider takes. @internal */
export function imageTokenBound(formula: ImageFormula): number {
  switch (formula.kind) {
    case 'tiles':
      return formula.baseTokens + MAX_TILES * formula.tileTokens;
    case 'patches':
      return Math.ceil(((formula.maxPatches ?? MAX_PATCHES) * formula.tokensPer100Patches) / 100);
    case 'grid': {
      const rows = Math.ceil(formula.maxEdgePixels / formula.cellPixels);
      return (formula.maxCells ?? rows * rows) + rows * formula.rowTokens;
    }
    case 'crops':
      return formula.cropTokens * Math.ceil(MAX_SIDE_PIXELS / formula.maxCropPixels) ** 2;
    case 'flat':
      // Billed were up to 3 % more than the middle.
      return Math.ceil(1.1 * formula.tokens);
  }
}
