import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, test, vi } from 'vitest';

import { openImageScaler } from './image-scaler.ts';

type Format = 'jpeg' | 'png' | 'webp' | 'gif';

async function picture(width: number, height: number, format: Format, orientation?: number): Promise<string> {
  const made = sharp({
    create: { width, height, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 20 }, background: 'gray' },
  });
  const turned = orientation === undefined ? made : made.withMetadata({ orientation });
  return (await turned.toFormat(format).toBuffer()).toString('base64');
}

const TARGET = { width: 64, height: 48 };

describe('an image that can be scaled', () => {
  test.each(['jpeg', 'png', 'webp', 'gif'] as const)('%s comes back smaller in its own format', async (format) => {
    const scale = await openImageScaler();
    const data = await picture(256, 192, format);
    const scaled = await scale({ data, mediaType: `image/${format}` }, TARGET);
    expect(scaled).toMatchObject({ kind: 'scaled', ...TARGET });
    const found = await sharp(Buffer.from(scaled.kind === 'scaled' ? scaled.data : '', 'base64')).metadata();
    expect({ format: found.format, width: found.width, height: found.height }).toEqual({ format, ...TARGET });
  });

  test('the mark of which way is up stays', async () => {
    const scale = await openImageScaler();
    const scaled = await scale({ data: await picture(256, 192, 'jpeg', 6), mediaType: 'image/jpeg' }, TARGET);
    const found = await sharp(Buffer.from(scaled.kind === 'scaled' ? scaled.data : '', 'base64')).metadata();
    expect(found).toMatchObject({ orientation: 6, ...TARGET });
  });

  test('the same image gives the same bytes: the prefix of a conversation stays', async () => {
    const scale = await openImageScaler();
    const image = { data: await picture(256, 192, 'jpeg'), mediaType: 'image/jpeg' };
    expect(await scale(image, TARGET)).toEqual(await scale(image, TARGET));
  });
});

describe('an image that is kept', () => {
  test('another format than it says, and formats that are not images to a model', async () => {
    const scale = await openImageScaler();
    const data = await picture(256, 192, 'png');
    expect(await scale({ data, mediaType: 'image/jpeg' }, TARGET)).toEqual({ kind: 'kept', reason: 'format' });
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"/>').toString('base64');
    expect(await scale({ data: svg, mediaType: 'image/svg+xml' }, TARGET)).toEqual({ kind: 'kept', reason: 'format' });
    expect(await scale({ data: svg, mediaType: 'image/png' }, TARGET)).toEqual({ kind: 'kept', reason: 'format' });
  });

  test('an animation', async () => {
    const scale = await openImageScaler();
    const frames = Buffer.alloc(64 * 64 * 2 * 3, 7).fill(200, 64 * 64 * 3);
    const data = await sharp(frames, { raw: { width: 64, height: 128, channels: 3, pageHeight: 64 } })
      .gif({ delay: [100, 100] })
      .toBuffer();
    const animation = { data: data.toString('base64'), mediaType: 'image/gif' };
    expect(await scale(animation, { width: 8, height: 8 })).toEqual({ kind: 'kept', reason: 'animated' });
  });

  test('more pixels or bytes than may be decoded, by the header alone', async () => {
    const bomb = Buffer.from(await picture(64, 48, 'png'), 'base64');
    bomb.writeUInt32BE(50_000, 16);
    bomb.writeUInt32BE(50_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    const image = { data: bomb.toString('base64'), mediaType: 'image/png' };
    const kept = { kind: 'kept', reason: 'too-large' };
    expect(await (await openImageScaler())(image, TARGET)).toEqual(kept);
    expect(await (await openImageScaler({ maxBytes: 1000 }))(image, TARGET)).toEqual(kept);
  });

  test('a target that is not smaller, or bytes that grow where fewer are wanted', async () => {
    const image = { data: await picture(64, 48, 'png'), mediaType: 'image/png' };
    const kept = { kind: 'kept', reason: 'no-gain' };
    expect(await (await openImageScaler())(image, TARGET)).toEqual(kept);
    const flat = await sharp({ create: { width: 3000, height: 10, channels: 3, background: 'white' } })
      .jpeg({ quality: 1 })
      .toBuffer();
    const small = { data: flat.toString('base64'), mediaType: 'image/jpeg' };
    const scale = await openImageScaler({ fewerBytesOnly: true });
    expect(await scale(small, { width: 2990, height: 10 })).toEqual(kept);
  });

  test('bytes that are cut or no image at all', async () => {
    const scale = await openImageScaler();
    const kept = { kind: 'kept', reason: 'failed' };
    const whole = Buffer.from(await picture(256, 192, 'png'), 'base64');
    const cut = whole.subarray(0, whole.length / 2).toString('base64');
    expect(await scale({ data: cut, mediaType: 'image/png' }, TARGET)).toEqual(kept);
    expect(await scale({ data: 'bm90IGFuIGltYWdl', mediaType: 'image/png' }, TARGET)).toEqual(kept);
    expect(await scale({ data: '', mediaType: 'image/png' }, TARGET)).toEqual(kept);
    const nowhere = { width: Number.NaN, height: 5 };
    expect(await scale({ data: whole.toString('base64'), mediaType: 'image/png' }, nowhere)).toEqual(kept);
  });
});

test('without sharp the error names the command that installs it', async () => {
  vi.resetModules();
  vi.doMock('sharp', () => {
    throw new Error('Cannot find package sharp');
  });
  const fresh = await import('./image-scaler.ts');
  await expect(fresh.openImageScaler()).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('npm install sharp') as string,
  });
  vi.doUnmock('sharp');
});
