import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ODD_TEXTS } from '../../test/support/odd-texts.ts';
import { rankTable } from '../../test/support/rank-tables.ts';
import { oddText } from '../../test/support/same-tokens.ts';
import { CharacterClasses } from './character-classes.ts';
import { readVocabulary } from './load-tokenizer.ts';
import { Cl100kSplitter, O200kSplitter, type PieceSplitter } from './piece-splitter.ts';

const newer = await readVocabulary('o200k_base');
const older = await readVocabulary('cl100k_base');
const SPLITTERS = [
  { splitter: new O200kSplitter(new CharacterClasses(newer)), pattern: rankTable('o200k_base').pat_str },
  { splitter: new Cl100kSplitter(new CharacterClasses(older)), pattern: rankTable('cl100k_base').pat_str },
];

function piecesOf(splitter: PieceSplitter, text: string): string[] {
  const bytes = Buffer.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = splitter.pieceEnd(bytes, at, bytes.length);
    pieces.push(bytes.toString('utf8', at, end));
    at = end;
  }
  return pieces;
}

/** Halves of surrogate pairs are U+FFFD in UTF-8, which has no others. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

function expectPieces(text: string): void {
  for (const { splitter, pattern } of SPLITTERS) {
    const expected = Array.from(text.matchAll(new RegExp(pattern, 'gu')), ([piece]) => piece);
    expect(piecesOf(splitter, text)).toEqual(expected);
  }
}

test('the pieces of odd texts are the matches of the pattern', () => {
  for (const text of ODD_TEXTS) expectPieces(wellFormed(text));
});

test('the pieces of any text are the matches of the pattern', () => {
  fc.assert(
    fc.property(oddText(), (text) => expectPieces(wellFormed(text))),
    { numRuns: 2000 },
  );
});

test('the pieces of any row of characters of each class are the matches of the pattern', () => {
  const characters = [
    'a',
    'é',
    'A',
    'É',
    'ǅ',
    'ʰ',
    '的',
    '\u{301}',
    '\u{20dd}',
    '1',
    '٣',
    '\u{1d7d8}',
    ' ',
    '\t',
    '\u{3000}',
    '\n',
    '\r',
  ];
  const others = [
    '!',
    '/',
    "'",
    's',
    'S',
    'l',
    'L',
    'r',
    'e',
    '€',
    '😀',
    '\u{10400}',
    '\u{10428}',
    '\0',
    '\u{feff}',
    '\u{85}',
  ];
  const row = fc.string({ unit: fc.constantFrom(...characters, ...others), maxLength: 30 });
  fc.assert(
    fc.property(row, (text) => expectPieces(text)),
    { numRuns: 5000 },
  );
});
