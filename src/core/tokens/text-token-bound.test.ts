import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Tokenizer } from '../../ports/tokenizer.ts';
import { loadTokenizer } from '../../tokenizers/load-tokenizer.ts';
import { textTokenBound } from './text-token-bound.ts';

let o200k: Tokenizer;
let cl100k: Tokenizer;
beforeAll(async () => {
  o200k = await loadTokenizer('o200k_base');
  cl100k = await loadTokenizer('cl100k_base');
});

/** Also halves of surrogate pairs. */
const anyCharacter = fc.integer({ min: 0, max: 0x10_ffff }).map((code) => String.fromCodePoint(code));

const WORDS =
  'pellentesque vestibulum consectetur Überraschung naïve función Straße running {"key": 12.5, 2024-11-26 https://a.b/c?d=e привет 東京 สวัสดี __init__ => 👩‍👩‍👧 0x1F ------'.split(
    ' ',
  );

test('a bound from one vocabulary holds for another, whatever the text', () => {
  const words = fc.array(fc.constantFrom(...WORDS), { maxLength: 30 }).map((chosen) => chosen.join(' '));
  const texts = fc.oneof(fc.string({ unit: anyCharacter }), words);
  fc.assert(
    fc.property(texts, (text) => {
      expect(textTokenBound(text, o200k.count(text), 1.7)).toBeGreaterThanOrEqual(cl100k.count(text));
    }),
  );
});

test('what vocabularies differ in most counts apart: digits, long runs, all that is not ASCII', () => {
  // One token each in o200k, or few; a vocabulary without such tokens makes as many as there are characters.
  for (const text of ['123', ' '.repeat(60), '-'.repeat(64), 'สวัสดี', '。']) {
    expect(textTokenBound(text, 1, 1)).toBeGreaterThanOrEqual(text.length - 3);
  }
  expect(textTokenBound('漢'.repeat(1000), 2000, 1.7)).toBe(3000);
});

test('it is never above the bytes, and near the count for English', () => {
  const english = 'The quick brown fox jumps over the lazy dog. '.repeat(50);
  expect(textTokenBound(english, o200k.count(english), 1.7)).toBeLessThanOrEqual(2 * o200k.count(english));
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      const bytes = Math.max(Buffer.byteLength(text), Buffer.byteLength(text.normalize('NFKC')));
      expect(textTokenBound(text, 1_000_000, 2)).toBe(bytes);
    }),
  );
});

test('characters that a normal form makes longer count by what they become', () => {
  // U+FDFA is 18 characters of Arabic in NFKC.
  expect(textTokenBound('\uFDFA', 1, 1)).toBeGreaterThanOrEqual(30);
});
