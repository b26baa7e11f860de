import { imageTokens, modelImageSize, type ImageFormula, type ImageSize } from './image-formula.ts';

/** A size that an image may be brought to before it is sent, in whole pixels. @public */
export interface ImageTarget extends ImageSize {
  readonly tokensBefore: number;
  /** Never more than `tokensBefore`. */
  readonly tokensAfter: number;
}

/** What a smaller size may cost. @public */
export interface ImageTargetOptions {
  /**
   * The most tokens that the image may cost. Fewer than it costs as it is: detail is given up for them. `'next-step'` gives up as little detail as
   * saves anything at all: one row of patches or tiles.
   * @defaultValue what it costs now: nothing that the model sees is given up
   */
  readonly maxTokens?: number | 'next-step' | undefined;
}

/**
 * The size to send an image in. Without `maxTokens` it is the size that the provider brings the image to anyway, so that only upload is saved and the model
 * sees the same; with it, the largest size of the same shape that costs no more.
 * @returns undefined where the image is to be sent as it is: it is no larger than what the model sees, nothing is known of how it is scaled, or no size
 *   costs so little.
 * @public
 */
export function imageTarget(
  size: ImageSize,
  formula: ImageFormula,
  options: ImageTargetOptions = {},
): ImageTarget | undefined {
  if (!isPixels(size.width) || !isPixels(size.height)) return undefined;
  const tokensBefore = imageTokens(size, formula);
  const maxTokens = options.maxTokens === 'next-step' ? tokensBefore - 1 : (options.maxTokens ?? tokensBefore);
  const found =
    maxTokens >= tokensBefore ? seenSize(size, formula, tokensBefore) : largestWithin(size, formula, maxTokens);
  if (found === undefined || found.width * found.height >= size.width * size.height) return undefined;
  return { ...found, tokensBefore, tokensAfter: imageTokens(found, formula) };
}

function isPixels(length: number): boolean {
  return Number.isSafeInteger(length) && length > 0;
}

/** What the model sees, in whole pixels; undefined where rounding would change what it costs. */
function seenSize(size: ImageSize, formula: ImageFormula, tokens: number): ImageSize | undefined {
  const seen = modelImageSize(size, formula);
  const whole = { width: Math.max(1, Math.round(seen.width)), height: Math.max(1, Math.round(seen.height)) };
  if (imageTokens(whole, formula) === tokens) return whole;
  const lower = { width: Math.max(1, Math.floor(seen.width)), height: Math.max(1, Math.floor(seen.height)) };
  return imageTokens(lower, formula) === tokens ? lower : undefined;
}

/** By halving the longer side. Costs grow with it up to what the model sees, which is where it starts. */
function largestWithin(size: ImageSize, formula: ImageFormula, maxTokens: number): ImageSize | undefined {
  const longer = Math.max(size.width, size.height);
  const seen = modelImageSize(size, formula);
  const at = (edge: number): ImageSize => ({
    width: Math.max(1, Math.floor((size.width * edge) / longer)),
    height: Math.max(1, Math.floor((size.height * edge) / longer)),
  });
  const fits = (edge: number): boolean => imageTokens(at(edge), formula) <= maxTokens;
  let low = 1;
  if (!fits(low)) return undefined;
  let high = Math.ceil(Math.max(seen.width, seen.height)) + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return at(low);
}
