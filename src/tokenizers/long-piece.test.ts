import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergedByDefinition, ranksByBytes, rankTable } from '../../test/support/rank-tables.ts';
import { LongPiece, type WindowSizes } from './long-piece.ts';
import { PairMerger } from './pair-merger.ts';
import { readVocabulary } from './load-tokenizer.ts';
import { WindowMerger } from './window-merger.ts';

const ranks = ranksByBytes(rankTable('o200k_base'));
const vocabulary = await readVocabulary('o200k_base');
const merger = new PairMerger(vocabulary);
const windows = new WindowMerger(merger);

function merged(bytes: Uint8Array, sizes?: WindowSizes): number[] {
  const ids: number[] = [];
  const long = new LongPiece(windows, { bytes, start: 0, end: bytes.length }, ids, sizes);
  while (long.step());
  expect(long.count).toBe(ids.length);
  return ids;
}

/** Words of which rows are made that merge far and wide. */
const word = fc.constantFrom(
  'a',
  'aa',
  'ab',
  'abc',
  'the',
  'ing',
  'tion',
  'xyz',
  '的',
  '中国',
  'é',
  'привет',
  '  ',
  '==',
  '\u{301}',
);
const piece = fc
  .array(fc.tuple(word, fc.integer({ min: 1, max: 12 })), { minLength: 1, maxLength: 40 })
  .map((words) => Buffer.from(words.map(([text, times]) => text.repeat(times)).join('')));

test('windows of any size give what merging all at once gives', () => {
  const sizes = fc.record({
    windowBytes: fc.integer({ min: 1, max: 40 }),
    overlapTokens: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(piece, sizes, (bytes, windowSizes) => {
      expect(merged(bytes, windowSizes)).toEqual(mergedByDefinition(bytes, ranks));
    }),
    { numRuns: 400 },
  );
});

test('any bytes are merged as the definition says, with a list for each token and without', () => {
  const bytes = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 200 }), piece);
  fc.assert(
    fc.property(bytes, (value) => {
      const expected = mergedByDefinition(value, ranks);
      expect(merged(value)).toEqual(expected);
      const small = value.subarray(0, 500);
      const count = merger.mergeSmall(small, 0, small.length);
      expect(Array.from(merger.ids.subarray(0, count))).toEqual(mergedByDefinition(small, ranks));
    }),
    { numRuns: 400 },
  );
});

test('a piece of several windows of the usual size is merged as the definition says', () => {
  for (const text of ['a', 'ab', 'abcab', 'thetheing', '的', '中国人', 'привет', 'xX', '\u{301}', '---=']) {
    const bytes = Buffer.from(text.repeat(Math.ceil(5000 / Buffer.byteLength(text))));
    expect(merged(bytes)).toEqual(mergedByDefinition(bytes, ranks));
  }
});
