import type { ImageDetail } from '../model/prompt.ts';
import type { ImageFormula } from './image-formula.ts';

interface ImageRow {
  /** Prefixes of model names. */
  readonly models: readonly string[];
  /** What holds where the caller said nothing, or `auto`. */
  readonly formula: ImageFormula;
  /** Where another formula holds for one detail. */
  readonly byDetail?: Partial<Record<ImageDetail, ImageFormula>>;
}

/** OpenAI's tiles: fitted into 2048 x 2048, short side to 768, tiles of 512 (guide "Images and vision", "Calculating costs"). */
function tiles(baseTokens: number, tileTokens: number): Omit<ImageRow, 'models'> {
  const formula: ImageFormula = {
    kind: 'tiles',
    baseTokens,
    tileTokens,
    tilePixels: 512,
    fitPixels: 2048,
    shortSidePixels: 768,
  };
  // Low: a fixed number of tokens for a copy that fits into 512 x 512.
  return { formula, byDetail: { low: { ...formula, tileTokens: 0, fitPixels: 512, shortSidePixels: 512 } } };
}

/** OpenAI's patches of 32 x 32. */
function patches(tokensPer100Patches: number, maxPatches: number | undefined): ImageFormula {
  return { kind: 'patches', patchPixels: 32, maxPatches, tokensPer100Patches };
}

/**
 * Claude's cells of 28 x 28. The limits are those of the vision guide's two tiers, and both explain a public table of measured replies (image-token-cost,
 * ten sizes) but for what a client adds to images that it shrank itself: at most 1,568 cells and 1,568 pixels a side before Opus 4.7, 4,784 cells and
 * 2,576 pixels from it on.
 */
function claude(maxCells: number, maxEdgePixels: number): ImageFormula {
  return { kind: 'grid', cellPixels: 28, maxEdgePixels, maxCells, rowTokens: 0 };
}

/**
 * Formulas by the beginning of a model's name; the longest one that fits wins. Multipliers of OpenAI's patch models are what its API bills, as measured by
 * users (community threads 1344040 and 1377015), not what its guide says: 1.2 instead of 1.62 for gpt-5-mini, 1.5 instead of 2.46 for gpt-5-nano.
 */
const ROWS: readonly ImageRow[] = [
  { models: ['gpt-4o', 'chatgpt-4o', 'gpt-4.1', 'gpt-4.5', 'gpt-4-turbo', 'gpt-4-vision'], ...tiles(85, 170) },
  { models: ['gpt-4o-mini'], ...tiles(2833, 5667) },
  { models: ['gpt-5', 'gpt-5.1'], ...tiles(70, 140) },
  { models: ['o1', 'o3'], ...tiles(75, 150) },
  { models: ['computer-use-preview'], ...tiles(65, 129) },
  { models: ['gpt-4.1-mini'], formula: patches(162, 1536) },
  { models: ['gpt-4.1-nano'], formula: patches(246, 1536) },
  { models: ['o4-mini'], formula: patches(172, 1536) },
  { models: ['gpt-5-nano'], formula: patches(150, 1536) },
  { models: ['gpt-5-mini', 'gpt-5.2', 'gpt-5.3', 'gpt-5.4-mini', 'gpt-5.4-nano'], formula: patches(120, 1536) },
  // From 5.4 on a detail sets the budget of patches; `auto` is `high` on 5.4 and `original` from 5.5 on.
  { models: ['gpt-5.4'], formula: patches(120, 2500), byDetail: { original: patches(120, 10_000) } },
  { models: ['gpt-5.'], formula: patches(120, 10_000), byDetail: { high: patches(120, 2500) } },
  // 11,970 patches were billed at `auto` (4032 x 3024): no end was seen.
  { models: ['gpt-'], formula: patches(120, undefined), byDetail: { high: patches(120, 2500) } },
  { models: ['claude-3', 'claude-haiku-4', 'claude-sonnet-4', 'claude-opus-4'], formula: claude(1568, 1568) },
  { models: ['claude-', 'claude-opus-4-7', 'claude-opus-4-8', 'claude-opus-4-9'], formula: claude(4784, 2576) },
  { models: ['gemini-1'], formula: { kind: 'flat', tokens: 258 } },
  {
    models: ['gemini-2'],
    formula: { kind: 'crops', cropTokens: 258, smallPixels: 384, minCropPixels: 256, maxCropPixels: 768 },
  },
  // 1,065 to 1,101 for all sizes in the public table; the documented budget of the default resolution is 1,120.
  { models: ['gemini-'], formula: { kind: 'flat', tokens: 1090 } },
  // Pixtral's encoder: patches of 14 merged two by two, a mark at each row's end, 1,540 pixels a side.
  {
    models: ['mistral-', 'ministral-', 'magistral-', 'pixtral-'],
    formula: { kind: 'grid', cellPixels: 28, maxEdgePixels: 1540, maxCells: undefined, rowTokens: 1 },
  },
];

const BY_PREFIX = new Map(ROWS.flatMap((row) => row.models.map((prefix) => [prefix, row] as const)));
const LONGEST_PREFIX = Math.max(...[...BY_PREFIX.keys()].map((prefix) => prefix.length));

/** A vendor in front (`openai/`, `us.anthropic.`) and dots in Claude's versions, which some providers write. */
const VENDOR_IN_FRONT = /^(?:[a-z]{2,6}\.)?(?:openai|anthropic|google|mistralai|mistral)[/.]/;

/**
 * How images are billed by a model; undefined where nothing is known. New models of a known vendor are taken to be like its newest known ones.
 * `detail` is OpenAI's; other vendors have none.
 * @public
 */
export function modelImageFormula(model: string, detail?: ImageDetail): ImageFormula | undefined {
  const plain = model.toLowerCase().replace(VENDOR_IN_FRONT, '');
  const name = plain.startsWith('claude-') ? plain.replaceAll('.', '-') : plain;
  for (let length = Math.min(name.length, LONGEST_PREFIX); length > 0; length -= 1) {
    const row = BY_PREFIX.get(name.slice(0, length));
    if (row !== undefined) return (detail === undefined ? undefined : row.byDetail?.[detail]) ?? row.formula;
  }
  return undefined;
}
