import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffText } from './diff-text.ts';
import { textDiff } from './text-diff.ts';

function diffOf(before: string, after: string): string {
  return diffText('file', textDiff(before, after));
}

test('changed lines stand with three lines around them, what goes before what comes', () => {
  const lines = Array.from({ length: 9 }, (_, index) => `line ${index}`);
  const before = lines.join('\n');
  const after = before.replace('line 4', 'row 4').replace('line 5', 'row 5');
  expect(diffOf(before, after)).toBe(
    [
      '--- file',
      '+++ file',
      '@@ -2,8 +2,8 @@',
      ' line 1',
      ' line 2',
      ' line 3',
      '-line 4',
      '-line 5',
      '+row 4',
      '+row 5',
      ' line 6',
      ' line 7',
      ' line 8',
    ].join('\n'),
  );
});

test('changes far apart are hunks of their own', () => {
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index}\n`);
  const after = lines.with(2, 'two\n').toSpliced(30, 1).join('');
  expect(diffOf(lines.join(''), after).match(/^@@.*$/gm)).toEqual(['@@ -1,6 +1,6 @@', '@@ -28,7 +28,6 @@']);
});

test('what is not seen is spelled out', () => {
  expect(diffOf('a\u{200B}b\n', 'ab\n')).toContain(String.raw`-a\u{200B}b`);
});

test('equal texts have no diff', () => {
  expect(diffOf('same\n', 'same\n')).toBe('');
});

test('the lines of either text can be read back from its marks, where all lines are near a change', () => {
  const line = fc.constantFrom('a', 'b', 'c d', '');
  const text = fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (one, other) => {
      const shown = diffOf(`${one}\nx\n`, `${other}\ny\n`).split('\n').slice(3);
      const side = (mark: string): string =>
        shown
          .filter((each) => each.startsWith(' ') || each.startsWith(mark))
          .map((each) => `${each.slice(1)}\n`)
          .join('');
      expect(side('-')).toBe(`${one}\nx\n`);
      expect(side('+')).toBe(`${other}\ny\n`);
    }),
  );
});
