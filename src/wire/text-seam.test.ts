import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ContinuationWay } from './continuation-way.ts';
import { TextSeam } from './text-seam.ts';

function joined(partial: string, way: ContinuationWay, ...pieces: readonly string[]): string {
  const seam = new TextSeam(partial, way);
  return partial + pieces.map((piece) => seam.take(piece)).join('') + seam.finish();
}

const FOX = 'The quick brown fox jumps';

test.each<[rule: string, partial: string, way: ContinuationWay, pieces: readonly string[], text: string]>([
  ['a continuation goes on behind the text', FOX, 'instruct', [' over', ' it'], `${FOX} over it`],
  ['a repeated end is cut off', FOX, 'instruct', ['brown fox jumps over'], `${FOX} over`],
  [
    'a repeated end that comes in pieces is cut off',
    FOX,
    'instruct',
    ['brown', ' fox', ' jum', 'ps over'],
    `${FOX} over`,
  ],
  ['a repeated end behind a line break is cut off', FOX, 'instruct', ['\n\n', 'brown fox jumps over'], `${FOX} over`],
  ['a text that begins anew is cut off', FOX, 'instruct', ['The quick ', 'brown fox jumps over'], `${FOX} over`],
  [
    'a long text that begins anew is cut off',
    `${'Once, '.repeat(90)}${FOX}`,
    'instruct',
    [`${'Once, '.repeat(90)}The quick`, ' brown fox jumps over'],
    `${'Once, '.repeat(90)}${FOX} over`,
  ],
  ['a repetition of eleven characters stays', FOX, 'instruct', ['n fox jumps over'], `${FOX}n fox jumps over`],
  ['a repetition that is left unfinished stays', FOX, 'instruct', ['brown fox', ' eats'], `${FOX}brown fox eats`],
  ['a repetition that ends the continuation too early stays', FOX, 'instruct', ['brown fox ju'], `${FOX}brown fox ju`],
  [
    'a rule of a table goes on',
    '| a |\n|-----------------',
    'instruct',
    ['---------------|'],
    '| a |\n|--------------------------------|',
  ],
  [
    'a prefilled text is never taken for repeated',
    FOX,
    'prefill',
    ['brown fox jumps over'],
    `${FOX}brown fox jumps over`,
  ],
  ['whitespace that was not shown comes once', 'The quick ', 'prefill', [' ', 'brown'], 'The quick brown'],
  ['whitespace that was not shown is not asked for again', 'The quick ', 'prefill', ['brown'], 'The quick brown'],
  ['whitespace beyond what was not shown stays', 'A:\n', 'prefill', ['\n\n', ' b'], 'A:\n\n b'],
  [
    'whitespace that is not shown may follow a repetition',
    `${FOX} `,
    'instruct',
    ['brown fox jumps', ' over'],
    `${FOX} over`,
  ],
  ['half a character is made whole', 'Hi \uD83D', 'prefill', [' \uD83D\uDE00!'], 'Hi \uD83D\uDE00!'],
  ['a prefix that the reply repeats is cut off', 'Hi', 'prefix', ['H', 'i there'], 'Hi there'],
  ['a prefix that begins with whitespace is cut off', '\n Hi', 'prefix', ['\n Hi', ' there'], '\n Hi there'],
  ['a prefix that the reply does not repeat is gone on with', 'Hi', 'prefix', [' there'], 'Hi there'],
  ['behind no text nothing is a repetition', '', 'instruct', ['Hi', ' there'], 'Hi there'],
])('%s', (_rule, partial, way, pieces, text) => {
  expect(joined(partial, way, ...pieces)).toBe(text);
});

test('text that cannot be a repetition is not held back', () => {
  const seam = new TextSeam(FOX, 'instruct');
  expect(seam.take(' over')).toBe(' over');
});

const words = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 8, maxLength: 60 });

test('a text cut anywhere and gone on with in any pieces is the text, in every way', () => {
  fc.assert(
    fc.property(
      words,
      fc.nat(),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom<ContinuationWay>('prefill', 'prefix'),
      (list, at, size, way) => {
        const text = list.join(' ');
        const cut = at % text.length;
        const partial = text.slice(0, cut);
        // The model goes on behind what it was shown.
        const rest = (way === 'prefix' ? '' : partial.trimEnd() === partial ? '' : ' ') + text.slice(cut);
        const sent = way === 'prefix' ? text : rest;
        expect(joined(partial, way, ...(sent.match(new RegExp(`.{1,${size}}`, 'gu')) ?? []))).toBe(text);
      },
    ),
  );
});

test('a repeated end of any length from 12 is cut off, in whatever pieces it comes', () => {
  fc.assert(
    fc.property(
      words,
      words,
      fc.integer({ min: 12, max: 200 }),
      fc.integer({ min: 1, max: 9 }),
      (before, behind, repeated, size) => {
        // A number in each word, so that no end repeats itself.
        const partial = before.map((word, place) => `${word}${place}`).join(' ');
        const rest = `; ${behind.join(' ')}`;
        const sent = partial.slice(-repeated) + rest;
        fc.pre(partial.slice(-repeated).trimStart().length >= 12);
        expect(joined(partial, 'instruct', ...(sent.match(new RegExp(`.{1,${size}}`, 'gu')) ?? []))).toBe(
          partial + rest,
        );
      },
    ),
  );
});
