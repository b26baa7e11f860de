import type { ImageSize } from './image-formula.ts';

/** An image: its bytes, or the same as base64 (also the URL-safe alphabet, also broken into lines). @public */
export type ImageData = string | Uint8Array;

/** Byte at an offset; undefined behind the end or where there is no base64. */
type ByteAt = (offset: number) => number | undefined;

/** No header that is looked for lies deeper in text that is broken into lines: EXIF and colour profiles have at most some 64 KB each. */
const MAX_BROKEN_CHARACTERS = 1_400_000;

/** The most that a PNG may have (PNG specification, 7.1); no other format has more. */
const MAX_SIDE_PIXELS = 0x7fffffff;

/** More segments stand before no real JPEG's frame. */
const MAX_JPEG_SEGMENTS = 10_000;

/**
 * Reads width and height from the header of a PNG, JPEG, GIF or WebP image, whatever its media type says. Looks at a few bytes only, and never throws.
 * @returns undefined for other formats, and for what is cut short or has no size.
 * @public
 */
export function imageSize(data: ImageData): ImageSize | undefined {
  const byteAt = typeof data === 'string' ? base64Bytes(data) : (offset: number): number | undefined => data[offset];
  const size = startsWith(byteAt, 0, '\u0089PNG')
    ? pngSize(byteAt)
    : startsWith(byteAt, 0, 'GIF8')
      ? gifSize(byteAt)
      : startsWith(byteAt, 0, 'RIFF') && startsWith(byteAt, 8, 'WEBP')
        ? webpSize(byteAt)
        : byteAt(0) === 0xff && byteAt(1) === 0xd8
          ? jpegSize(byteAt)
          : undefined;
  return size !== undefined && isSide(size.width) && isSide(size.height) ? size : undefined;
}

function isSide(pixels: number): boolean {
  return pixels > 0 && pixels <= MAX_SIDE_PIXELS;
}

function startsWith(byteAt: ByteAt, offset: number, characters: string): boolean {
  for (let index = 0; index < characters.length; index += 1) {
    if (byteAt(offset + index) !== characters.charCodeAt(index)) return false;
  }
  return true;
}

/** A whole number of so many bytes, the highest first. */
function bigEndian(byteAt: ByteAt, offset: number, bytes: number): number {
  let value = 0;
  for (let index = 0; index < bytes; index += 1) value = value * 256 + (byteAt(offset + index) ?? 0);
  return value;
}

/** A whole number of so many bytes, the lowest first. */
function littleEndian(byteAt: ByteAt, offset: number, bytes: number): number {
  let value = 0;
  for (let index = bytes - 1; index >= 0; index -= 1) value = value * 256 + (byteAt(offset + index) ?? 0);
  return value;
}

/** The first chunk must be IHDR (PNG specification, 5.6). */
function pngSize(byteAt: ByteAt): ImageSize | undefined {
  if (!startsWith(byteAt, 12, 'IHDR')) return undefined;
  return { width: bigEndian(byteAt, 16, 4), height: bigEndian(byteAt, 20, 4) };
}

function gifSize(byteAt: ByteAt): ImageSize {
  return { width: littleEndian(byteAt, 6, 2), height: littleEndian(byteAt, 8, 2) };
}

/** One of three kinds of a first chunk (RFC 9649, 2.5 to 2.7). */
function webpSize(byteAt: ByteAt): ImageSize | undefined {
  if (startsWith(byteAt, 12, 'VP8X')) {
    return { width: 1 + littleEndian(byteAt, 24, 3), height: 1 + littleEndian(byteAt, 27, 3) };
  }
  if (startsWith(byteAt, 12, 'VP8L') && byteAt(20) === 0x2f) {
    const bits = littleEndian(byteAt, 21, 4);
    return { width: 1 + (bits % 0x4000), height: 1 + (Math.floor(bits / 0x4000) % 0x4000) };
  }
  if (startsWith(byteAt, 12, 'VP8 ') && startsWith(byteAt, 23, '\u009d\u0001*')) {
    return { width: littleEndian(byteAt, 26, 2) % 0x4000, height: littleEndian(byteAt, 28, 2) % 0x4000 };
  }
  return undefined;
}

/** Steps from segment to segment until the frame's header (ITU T.81, B.2.2). */
function jpegSize(byteAt: ByteAt): ImageSize | undefined {
  let offset = 2;
  for (let segment = 0; segment < MAX_JPEG_SEGMENTS; segment += 1) {
    if (byteAt(offset) !== 0xff) return undefined;
    const marker = byteAt(offset + 1);
    if (marker === undefined) return undefined;
    if (isFrame(marker)) return { width: bigEndian(byteAt, offset + 7, 2), height: bigEndian(byteAt, offset + 5, 2) };
    // Fill bytes before a marker, and markers without a segment.
    if (marker === 0xff) offset += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) offset += 2;
    else offset += 2 + Math.max(2, bigEndian(byteAt, offset + 2, 2));
  }
  return undefined;
}

/** SOF0 to SOF15, without the markers among them that are none: DHT, JPG and DAC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Decodes only those bytes of a base64 text that are asked for. */
function base64Bytes(text: string): ByteAt {
  const unbroken = /\s/.test(text.slice(0, 128)) ? text.slice(0, MAX_BROKEN_CHARACTERS).replaceAll(/\s+/g, '') : text;
  return (offset) => {
    const first = Math.floor(offset / 3) * 4 + (offset % 3);
    const high = sextet(unbroken.charCodeAt(first));
    const low = sextet(unbroken.charCodeAt(first + 1));
    if (high === undefined || low === undefined) return undefined;
    const shift = 2 * (offset % 3);
    return ((high << (2 + shift)) & 0xff) | (low >> (4 - shift));
  };
}

function sextet(code: number): number | undefined {
  if (code >= 0x41 && code <= 0x5a) return code - 0x41;
  if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 26;
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52;
  if (code === 0x2b || code === 0x2d) return 62;
  return code === 0x2f || code === 0x5f ? 63 : undefined;
}
