import type { Sharp, default as SharpFactory } from 'sharp';
import { FarthingError } from '../core/errors.ts';
import type { ImageSize } from '../core/tokens/image-formula.ts';

/** An inline image as a request carries it. @internal */
interface InlineImage {
  /** Base64, without the head of a data URI. */
  readonly data: string;
  readonly mediaType: string;
}

/**
 * What became of an image. `kept`: it is to be sent as it came, for a reason that can be counted:
 *
 * - `format`: not JPEG, PNG, WebP or GIF, or another one than its media type says.
 * - `animated`: it has several frames.
 * - `too-large`: more bytes or pixels than may be decoded here.
 * - `no-gain`: the target is not smaller, or the smaller image has more bytes and the caller wants fewer.
 * - `failed`: it could not be decoded, or not in time.
 * @internal
 */
type ScaledImage =
  | { readonly kind: 'scaled'; readonly data: string; readonly width: number; readonly height: number }
  | { readonly kind: 'kept'; readonly reason: 'format' | 'animated' | 'too-large' | 'no-gain' | 'failed' };

/** Brings an inline image to a size, in its own format. Never fails: what cannot be scaled is kept. @internal */
export type ScaleImage = (image: InlineImage, target: ImageSize) => Promise<ScaledImage>;

/** Limits of an image scaler. @internal */
export interface ImageScalerOptions {
  /**
   * Images with more pixels are kept, whatever their bytes: a few kilobytes can hold gigabytes of pixels.
   * @defaultValue 64,000,000 (8,000 x 8,000, the most that Anthropic takes)
   */
  readonly maxPixels?: number;
  /**
   * Images of more bytes are kept.
   * @defaultValue 32 MiB
   */
  readonly maxBytes?: number;
  /**
   * Work that takes longer is given up, in whole seconds.
   * @defaultValue 5
   */
  readonly timeoutSeconds?: number;
  /**
   * Whether a smaller image with more bytes than the original is kept out: right where only upload is to be saved, wrong where tokens are.
   * @defaultValue false
   */
  readonly fewerBytesOnly?: boolean;
}

const DEFAULTS: Required<ImageScalerOptions> = {
  maxPixels: 64_000_000,
  maxBytes: 32 * 1024 * 1024,
  timeoutSeconds: 5,
  fewerBytesOnly: false,
};

const FORMATS: ReadonlyMap<string, 'jpeg' | 'png' | 'webp' | 'gif'> = new Map([
  ['image/jpeg', 'jpeg'],
  ['image/jpg', 'jpeg'],
  ['image/png', 'png'],
  ['image/webp', 'webp'],
  ['image/gif', 'gif'],
]);

/** Of JPEG and WebP: text in screenshots stays readable. */
const QUALITY = 90;

/**
 * Makes a scaler on the optional peer `sharp`, which is loaded now.
 * @throws FarthingError `configuration` when sharp is not installed.
 * @internal
 */
export async function openImageScaler(options: ImageScalerOptions = {}): Promise<ScaleImage> {
  const sharp = await importSharp();
  const limits = { ...DEFAULTS, ...options };
  return async (image, target) => {
    try {
      return await scaledImage(sharp, image, target, limits);
    } catch {
      // Broken or hostile bytes: the provider judges them, not we.
      return { kind: 'kept', reason: 'failed' };
    }
  };
}

async function importSharp(): Promise<typeof SharpFactory> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new FarthingError('configuration', 'Scaling images needs the package sharp: npm install sharp', { cause });
  }
}

async function scaledImage(
  sharp: typeof SharpFactory,
  image: InlineImage,
  target: ImageSize,
  limits: Required<ImageScalerOptions>,
): Promise<ScaledImage> {
  const format = FORMATS.get(image.mediaType.toLowerCase());
  if (format === undefined) return { kind: 'kept', reason: 'format' };
  if (image.data.length > (limits.maxBytes * 4) / 3 + 4) return { kind: 'kept', reason: 'too-large' };
  const bytes = Buffer.from(image.data, 'base64');
  // Reads the header alone; all frames, so that their number is known.
  const header = await sharp(bytes, { limitInputPixels: false }).metadata();
  if (header.format !== format) return { kind: 'kept', reason: 'format' };
  if ((header.pages ?? 1) > 1) return { kind: 'kept', reason: 'animated' };
  if (header.width * header.height > limits.maxPixels) return { kind: 'kept', reason: 'too-large' };
  if (target.width * target.height >= header.width * header.height) return { kind: 'kept', reason: 'no-gain' };
  const resized = sharp(bytes, { limitInputPixels: limits.maxPixels, failOn: 'truncated' })
    .timeout({ seconds: limits.timeoutSeconds })
    .resize({ width: target.width, height: target.height, fit: 'fill' })
    // With the mark of which way is up: whoever turned it before turns it now.
    .keepExif();
  const { data, info } = await encoded(resized, format).toBuffer({ resolveWithObject: true });
  if (limits.fewerBytesOnly && data.length >= bytes.length) return { kind: 'kept', reason: 'no-gain' };
  return { kind: 'scaled', data: data.toString('base64'), width: info.width, height: info.height };
}

function encoded(image: Sharp, format: 'jpeg' | 'png' | 'webp' | 'gif'): Sharp {
  switch (format) {
    case 'jpeg':
      return image.jpeg({ quality: QUALITY, chromaSubsampling: '4:4:4' });
    case 'png':
      return image.png();
    case 'webp':
      return image.webp({ quality: QUALITY });
    case 'gif':
      return image.gif();
  }
}
