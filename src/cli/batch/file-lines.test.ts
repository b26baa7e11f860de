import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FileLine, linesOf } from './file-lines.ts';

async function linesFrom(chunks: readonly Uint8Array[], maxLineBytes?: number): Promise<readonly FileLine[]> {
  const lines: FileLine[] = [];
  // oxlint-disable-next-line require-await -- a stream in a test
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  for await (const line of linesOf(stream(), maxLineBytes)) lines.push(line);
  return lines;
}

test('lines are the same however the bytes are cut', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll('\n', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.array(fc.nat(60)), async (texts, cuts) => {
      const bytes = Buffer.from(texts.join('\n'));
      const at = [...new Set(cuts.filter((cut) => cut < bytes.length))].toSorted((one, other) => one - other);
      const chunks = [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length));
      const expected = texts.at(-1) === '' ? texts.slice(0, -1) : texts;
      expect(await linesFrom(chunks)).toEqual(expected.map((text, index) => ({ number: index + 1, text })));
    }),
  );
});

test('a line that is too long or not UTF-8 is named, and those around it are read', async () => {
  const bytes = Buffer.concat([Buffer.from('one\n'), Buffer.from([0xc3, 0x28]), Buffer.from('\n0123456789\nlast')]);
  expect(await linesFrom([bytes.subarray(0, 9), bytes.subarray(9)], 8)).toEqual([
    { number: 1, text: 'one' },
    { number: 2, problem: 'is not valid UTF-8' },
    { number: 3, problem: 'is longer than 0.000008 MB' },
    { number: 4, text: 'last' },
  ]);
});
