import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundedText } from '../../src/core/score/bounded-text.ts';
import { scanWords } from '../../src/core/score/scan-words.ts';
import { SHAPE_SIZE, textFeatures } from '../../src/core/score/text-features.ts';
import { anyText } from '../support/routing/any-text.ts';

const MEGABYTE = 1_000_000;

describe('a text as numbers', () => {
  test('any text has finite numbers, each bucket once, and the same ones again', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const { buckets, values, shape, wordBuckets } = textFeatures(text);
        expect(new Set(buckets).size).toBe(buckets.length);
        expect(values).toHaveLength(buckets.length);
        expect(wordBuckets).toBeLessThanOrEqual(buckets.length);
        expect([...shape, ...values].every(Number.isFinite)).toBe(true);
        expect(shape).toHaveLength(SHAPE_SIZE);
        expect(textFeatures(text)).toEqual({ buckets, values, shape, wordBuckets });
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['one letter', 'a'.repeat(MEGABYTE)],
    ['emoji', '🪙'.repeat(MEGABYTE / 2)],
    ['zero-width signs', '\u200b'.repeat(MEGABYTE)],
    ['blanks', ' \n'.repeat(MEGABYTE / 2)],
    ['quotes', '"\\'.repeat(MEGABYTE / 2)],
    ['ideographs', '漢字'.repeat(MEGABYTE / 2)],
    ['letters that grow in lower case', 'İ'.repeat(MEGABYTE)],
    ['halves of pairs', '\ud83e'.repeat(MEGABYTE)],
  ])('a megabyte of %s is read at both ends only', (_name, text) => {
    expect(boundedText(text).length).toBeLessThanOrEqual(6001);
    expect(scanWords(text).hashes.length).toBeLessThanOrEqual(6002);
    expect([...textFeatures(text).shape].every(Number.isFinite)).toBe(true);
  });

  test('what stands in the middle of a long text does not count, its ends and its length do', () => {
    const around = (middle: string): string => `${'begin '.repeat(600)}${middle}${' end'.repeat(800)}`;
    expect(textFeatures(around('one'))).toEqual(textFeatures(around('two')));
    expect(textFeatures(around('one')).shape[0]).toBeLessThan(textFeatures(around('three times')).shape[0] ?? 0);
  });

  test('case, the digits of a number and signs without width do not change words', () => {
    expect(scanWords('Pay 125 PENCE').hashes).toEqual(scanWords('pay 907 pe\u200bnce').hashes);
    expect(scanWords('pay 12 pence').hashes).not.toEqual(scanWords('pay 125 pence').hashes);
    expect(scanWords('ａｌｐｈａ beta').hashes).toHaveLength(2 + 4);
  });

  test('scripts without blanks are read sign by sign, those with blanks word by word', () => {
    expect(scanWords('東京は晴れ').hashes).toHaveLength(5);
    expect(scanWords('서울은 맑음').hashes).toHaveLength(2);
    expect(scanWords('Москва, Αθήνα').hashes).toHaveLength(3);
    expect(scanWords('ไทย').hashes).toHaveLength(3);
  });
});
