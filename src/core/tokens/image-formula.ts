/**
 * How a provider turns the pixels of an image into tokens.
 *
 * - `tiles`: the image is fitted into a square, then its short side is brought down to a length; each square tile that it then touches is billed.
 * - `patches`: each square patch that the image touches is billed; beyond a budget of patches it is scaled down, in OpenAI's way.
 * - `grid`: each square cell that the image touches is billed; beyond an edge or a number of cells it is scaled down to the largest size that fits.
 * - `crops`: small images cost one crop, others as many crops as they are cut into.
 * - `flat`: the same for every image.
 * @public
 */
export type ImageFormula =
  | {
      readonly kind: 'tiles';
      readonly baseTokens: number;
      readonly tileTokens: number;
      readonly tilePixels: number;
      readonly fitPixels: number;
      readonly shortSidePixels: number;
    }
  | {
      readonly kind: 'patches';
      readonly patchPixels: number;
      /** Undefined: no end is known. */
      readonly maxPatches: number | undefined;
      /** Tokens for 100 patches; the sum is rounded up. */
      readonly tokensPer100Patches: number;
    }
  | {
      readonly kind: 'grid';
      readonly cellPixels: number;
      readonly maxEdgePixels: number;
      /** Undefined: only the edge is limited. */
      readonly maxCells: number | undefined;
      /** Tokens that each row of cells costs beside its cells: marks of a line's end. */
      readonly rowTokens: number;
    }
  | {
      readonly kind: 'crops';
      readonly cropTokens: number;
      /** Up to this length of both sides it is one crop. */
      readonly smallPixels: number;
      readonly minCropPixels: number;
      readonly maxCropPixels: number;
    }
  | { readonly kind: 'flat'; readonly tokens: number };

/** Width and height in pixels. @public */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

type Formula<Kind extends ImageFormula['kind']> = Extract<ImageFormula, { readonly kind: Kind }>;

/** The tokens that an image of this size is billed as. Sides below one pixel count as one. @public */
export function imageTokens(size: ImageSize, formula: ImageFormula): number {
  const { width, height } = modelImageSize(size, formula);
  switch (formula.kind) {
    case 'tiles':
      return formula.baseTokens + formula.tileTokens * cells(width, height, formula.tilePixels);
    case 'patches':
      return Math.ceil((cells(width, height, formula.patchPixels) * formula.tokensPer100Patches) / 100);
    case 'grid': {
      const rows = wholeUp(height / formula.cellPixels);
      return rows * (wholeUp(width / formula.cellPixels) + formula.rowTokens);
    }
    case 'crops':
      return cropTokens(width, height, formula);
    case 'flat':
      return formula.tokens;
  }
}

/**
 * The size that the provider brings an image to before the model sees it; the size itself where it is not changed or nothing is known of it.
 * Not whole numbers: the provider's rounding is not documented.
 * @public
 */
export function modelImageSize(size: ImageSize, formula: ImageFormula): ImageSize {
  const width = Math.max(1, size.width);
  const height = Math.max(1, size.height);
  switch (formula.kind) {
    case 'tiles':
      return scaled(width, height, tileScale(width, height, formula));
    case 'patches':
      return scaled(width, height, patchScale(width, height, formula));
    case 'grid':
      return gridSize(width, height, formula);
    case 'crops':
    case 'flat':
      return { width, height };
  }
}

function tileScale(width: number, height: number, formula: Formula<'tiles'>): number {
  const fit = Math.min(1, formula.fitPixels / Math.max(width, height));
  return fit * Math.min(1, formula.shortSidePixels / (Math.min(width, height) * fit));
}

/**
 * Documented under "Calculating costs" of OpenAI's guide to images: scaled to the area of the budget, then down to a whole number of patches along the side
 * that is nearest to one. Holds for the 2,500 and 10,000 patches of measured GPT-5.5 and GPT-6 replies (4032 x 3024: 57 x 43 and 115 x 86).
 */
function patchScale(width: number, height: number, formula: Formula<'patches'>): number {
  const { patchPixels, maxPatches } = formula;
  if (maxPatches === undefined || cells(width, height, patchPixels) <= maxPatches) return 1;
  const scale = Math.sqrt((patchPixels * patchPixels * maxPatches) / (width * height));
  const columns = (width * scale) / patchPixels;
  const rows = (height * scale) / patchPixels;
  // A side of less than a patch is one patch and cannot be brought to a whole number of them.
  const wholeColumns = columns < 1 ? 1 : Math.floor(columns) / columns;
  const wholeRows = rows < 1 ? 1 : Math.floor(rows) / rows;
  const exact = scale * Math.min(wholeColumns, wholeRows);
  return fitsPatches(width * exact, height * exact, formula, maxPatches)
    ? exact
    : (maxPatches / Math.max(columns, rows)) * scale;
}

function fitsPatches(width: number, height: number, formula: Formula<'patches'>, maxPatches: number): boolean {
  return cells(width, height, formula.patchPixels) <= maxPatches;
}

/** The largest size of the same shape within the limits, by its longer edge in whole pixels. */
function gridSize(width: number, height: number, formula: Formula<'grid'>): ImageSize {
  const { cellPixels, maxEdgePixels, maxCells } = formula;
  const longer = Math.max(width, height);
  const fits = (edge: number): boolean =>
    maxCells === undefined || cells((width * edge) / longer, (height * edge) / longer, cellPixels) <= maxCells;
  const limit = Math.min(longer, maxEdgePixels);
  if (fits(limit)) return scaled(width, height, limit / longer);
  let low = 1;
  let high = Math.ceil(limit);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return scaled(width, height, low / longer);
}

function cropTokens(width: number, height: number, formula: Formula<'crops'>): number {
  if (Math.max(width, height) <= formula.smallPixels) return formula.cropTokens;
  const crop = Math.floor(Math.min(width, height) / 1.5);
  const side = Math.min(formula.maxCropPixels, Math.max(formula.minCropPixels, crop));
  return formula.cropTokens * cells(width, height, side);
}

function scaled(width: number, height: number, scale: number): ImageSize {
  return scale >= 1 ? { width, height } : { width: width * scale, height: height * scale };
}

/** How many squares of this side an image touches. */
function cells(width: number, height: number, side: number): number {
  return wholeUp(width / side) * wholeUp(height / side);
}

/** Rounded up, but for the last digits of a float: 43.000000000001 rows are 43. */
function wholeUp(value: number): number {
  return Math.max(1, Math.ceil(value - 1e-9 * Math.max(1, value)));
}
