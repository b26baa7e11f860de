import fc from 'fast-check';
import { expect, test } from 'vitest';

import { type DiffPart, textDiff } from './text-diff.ts';

const MARKS = { same: '=', removed: '-', added: '+' } as const;

function shown(parts: readonly DiffPart[]): readonly string[] {
  return parts.map(({ kind, text }) => MARKS[kind] + text);
}

test('equal texts are one part, and an empty one none', () => {
  expect(shown(textDiff('a\nb', 'a\nb'))).toEqual(['=a\nb']);
  expect(textDiff('', '')).toEqual([]);
  expect(shown(textDiff('', 'a'))).toEqual(['+a']);
});

test('lines that changed are compared word by word', () => {
  expect(shown(textDiff('one\nPlease use the tool now.\nend\n', 'one\nUse the tool now.\nend\n'))).toEqual([
    '=one\n',
    '-Please use',
    '+Use',
    '= the tool now.\nend\n',
  ]);
  expect(shown(textDiff('a\nb\nc\nd\n', 'a\nc\nx\nd\n'))).toEqual(['=a\n', '-b\n', '=c\n', '+x\n', '=d\n']);
});

test('the parts give back both texts, none is empty, and no two neighbours are alike', () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '.', '\r\n', '\ud800', '👍🏽'), maxLength: 80 }),
    fc.array(fc.constantFrom('one two\n', 'three\n', '\n', 'four'), { maxLength: 40 }).map((list) => list.join('')),
  );
  fc.assert(
    fc.property(text, text, (before, after) => {
      const parts = textDiff(before, after);
      const without = (kind: DiffPart['kind']): string =>
        parts.map((part) => (part.kind === kind ? '' : part.text)).join('');
      expect(without('added')).toBe(before);
      expect(without('removed')).toBe(after);
      for (const [index, part] of parts.entries()) {
        expect(part.text).not.toBe('');
        expect(part.kind).not.toBe(parts[index - 1]?.kind);
      }
    }),
  );
});

test('of lists of lines as much is kept as they have in common', () => {
  const line = fc.constantFrom('a\n', 'b\n', 'c\n');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.array(line, { maxLength: 12 }), (before, after) => {
      const kept = textDiff(before.join(''), after.join(''))
        .filter(({ kind }) => kind === 'same')
        .map(({ text }) => text)
        .join('');
      expect((kept.match(/[abc]/gu) ?? []).length).toBeGreaterThanOrEqual(commonLength(before, after));
    }),
  );
});

/** By the textbook: the longest list that both lists have in their order. */
function commonLength(left: readonly string[], right: readonly string[]): number {
  let row = right.map(() => 0);
  for (const item of left) {
    let diagonal = 0;
    let before = 0;
    row = row.map((above, index) => {
      before = item === right[index] ? diagonal + 1 : Math.max(above, before);
      diagonal = above;
      return before;
    });
  }
  return row.at(-1) ?? 0;
}

test('long texts that have nothing in common are one replacement, at once', () => {
  const before = Array.from({ length: 60_000 }, (_, index) => `a${index}\n`).join('');
  const after = Array.from({ length: 60_000 }, (_, index) => `b${index}\n`).join('');
  expect(textDiff(before, after).map(({ kind }) => kind)).toEqual(['removed', 'added']);
});
