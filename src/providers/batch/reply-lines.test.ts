import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { replyLines } from './reply-lines.ts';

async function linesOf(text: Buffer, cuts: readonly number[], maxLineBytes: number): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const line of replyLines(chunksOf(text, cuts), maxLineBytes)) {
    found.push(line.kind === 'line' ? Buffer.from(line.bytes).toString() : 'too long');
  }
  return found;
}

async function* chunksOf(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of [...cuts].toSorted((left, right) => left - right)) {
    yield bytes.subarray(start, cut);
    start = cut;
  }
  yield bytes.subarray(start);
}

test('lines are the same however the bytes are cut; one that is too long is passed over alone', async () => {
  const lines = fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }).map((line) => line.replaceAll('\n', '')));
  await fc.assert(
    fc.asyncProperty(lines, fc.array(fc.nat(200)), fc.boolean(), async (written, cuts, endsWithFeed) => {
      const text = Buffer.from(`${written.join('\n')}${endsWithFeed ? '\n' : ''}`);
      const inText = text.toString().split('\n');
      if (inText.at(-1) === '') inText.pop();
      const expected = inText.map((line) => (Buffer.byteLength(line) > 20 ? 'too long' : line));
      expect(await linesOf(text, cuts, 20)).toEqual(expected);
    }),
  );
});
