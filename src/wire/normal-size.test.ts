import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalBytes } from './normal-size.ts';

const utf8 = new TextEncoder();
const exact = (text: string): number => utf8.encode(text.normalize('NFKC')).byteLength;

/** Letters with up to three marks of their own, marks of every class that can be composed or come between, and what grows. */
const MARKS =
  '\u0300 \u0301 \u0302 \u0307 \u0308 \u0313 \u031b \u0323 \u0327 \u0331 \u0334 \u0338 \u0344 \u0345 \u0591 \u05bc \u064b \u093c \u0e38 \u3099 ﾞ';
const LETTERS = 'a e < é ệ ᾂ ǭ ḋ 가 각 ｶ が \u1100 \u1161 \u11a8 \u034f \u3316 \ufdfa \u2057 👩‍👧';
const ASTRAL = '\u{1d160} \u{1d165} \u{1f12a} \u{110a5} \u{110ba} \u{2f80f}';
const UNITS = `${LETTERS} ${MARKS} ${ASTRAL}`.split(' ');

const words = fc.string({ unit: fc.constantFrom(...UNITS), maxLength: 60 });

test('a text of which no mark stands with many others counts exactly', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(normalBytes(text)).toBe(exact(text));
    }),
  );
});

test('with many marks in a row the bound is never below what the normal form has', () => {
  const marks = fc.string({ unit: fc.constantFrom(...MARKS.split(' ')), minLength: 33, maxLength: 60 });
  fc.assert(
    fc.property(words, marks, words, (before, run, behind) => {
      const text = before + run + behind;
      expect(normalBytes(text)).toBeGreaterThanOrEqual(exact(text));
    }),
    { numRuns: 1500 },
  );
});

test('a very long text of anything has a bound that is not below it', () => {
  const text = UNITS.map((unit) => `${unit}x`.repeat(3000)).join('');
  expect(text.length).toBeGreaterThan(250_000);
  expect(normalBytes(text)).toBeGreaterThanOrEqual(exact(text));
});

test('a megabyte of marks that have to change places is counted', () => {
  const text = '\u0316\u0301'.repeat(250_000);
  expect(normalBytes(text)).toBeGreaterThanOrEqual(text.length * 2);
});

test('a long text in Latin, Han or Hangul counts as it stands', () => {
  for (const unit of ['Straße, déjà vu. ', '漢字かな', '안녕하세요']) {
    const text = unit.repeat(50_000);
    expect(normalBytes(text)).toBe(utf8.encode(text).byteLength);
  }
});
