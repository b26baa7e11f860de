import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { imageSize } from './image-size.ts';

async function picture(format: 'png' | 'jpeg' | 'gif' | 'webp', width: number, height: number): Promise<Buffer> {
  const image = sharp({ create: { width, height, channels: 3, background: { r: 9, g: 99, b: 200 } } });
  return image.toFormat(format).toBuffer();
}

describe.each(['png', 'jpeg', 'gif', 'webp'] as const)('%s', (format) => {
  test.each([
    [1, 1],
    [640, 480],
    [301, 1007],
  ])('the size %i x %i is read from bytes and from base64', async (width, height) => {
    const bytes = await picture(format, width, height);
    expect(imageSize(bytes)).toEqual({ width, height });
    expect(imageSize(bytes.toString('base64'))).toEqual({ width, height });
    expect(imageSize(bytes.toString('base64url'))).toEqual({ width, height });
    const lines = bytes.toString('base64').replaceAll(/(.{76})/g, '$1\r\n');
    expect(imageSize(lines)).toEqual({ width, height });
  });
});

test('lossless and extended WebP are read as well', async () => {
  const base = sharp({ create: { width: 77, height: 31, channels: 4, background: { r: 1, g: 2, b: 3, alpha: 0.5 } } });
  expect(imageSize(await base.clone().webp({ lossless: true }).toBuffer())).toEqual({ width: 77, height: 31 });
  expect(imageSize(await base.clone().webp({ quality: 40 }).toBuffer())).toEqual({ width: 77, height: 31 });
});

test('a JPEG whose frame stands behind long segments is read', async () => {
  const plain = await picture('jpeg', 200, 100);
  const length = 0xfffd;
  const segment = Buffer.concat([
    Buffer.from([0xff, 0xe1, length >> 8, length & 0xff]),
    Buffer.alloc(length - 2, 0xc0),
  ]);
  const long = Buffer.concat([plain.subarray(0, 2), segment, segment, segment, plain.subarray(2)]);
  expect(imageSize(long)).toEqual({ width: 200, height: 100 });
  expect(imageSize(long.toString('base64'))).toEqual({ width: 200, height: 100 });
});

test('a header that is cut short has no size', async () => {
  for (const format of ['png', 'jpeg', 'gif', 'webp'] as const) {
    const bytes = await picture(format, 40, 30);
    expect(imageSize(bytes.subarray(0, 8))).toBeUndefined();
    expect(imageSize('')).toBeUndefined();
  }
});

test('no bytes and no text make it throw or find a size that is not above zero', () => {
  const hasSize = (size: ReturnType<typeof imageSize>): boolean =>
    size === undefined ||
    [size.width, size.height].every((side) => Number.isInteger(side) && side > 0 && side < 2 ** 31);
  const heads = [
    '\u0089PNG\r\n\u001a\n\0\0\0\rIHDR',
    'GIF89a',
    'RIFFxxxxWEBPVP8X',
    'RIFFxxxxWEBPVP8L',
    '\u00ff\u00d8\u00ff',
  ];
  fc.assert(
    fc.property(fc.constantFrom('', ...heads), fc.uint8Array({ maxLength: 64 }), fc.string(), (head, tail, text) => {
      const bytes = Buffer.concat([Buffer.from(head, 'latin1'), tail]);
      expect(hasSize(imageSize(bytes))).toBe(true);
      expect(hasSize(imageSize(bytes.toString('base64')))).toBe(true);
      expect(hasSize(imageSize(text))).toBe(true);
    }),
  );
});
