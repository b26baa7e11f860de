import { expect, test } from 'vitest';
import { TextMemo } from './text-memo.ts';

test('what was asked for of late is remembered, and all together stays within the bound', () => {
  const memo = new TextMemo<number>(200_000);
  const texts = Array.from({ length: 1000 }, (_, index) => `${index} `.repeat(100));
  for (const [index, text] of texts.entries()) {
    memo.set(text, index);
    expect(memo.get(texts[0] ?? '')).toBe(0);
  }
  expect(memo.get(texts.at(-1) ?? '')).toBe(999);
  const remembered = texts.filter((text) => memo.get(text) !== undefined);
  expect(remembered.reduce((sum, text) => sum + text.length * 2, 0)).toBeLessThan(200_000);
});

test('a text that is too large for the memo is not kept, and drives nothing out', () => {
  const memo = new TextMemo<number>(10_000);
  memo.set('small', 1);
  memo.set('x'.repeat(100_000), 2);
  expect(memo.get('small')).toBe(1);
  expect(memo.get('x'.repeat(100_000))).toBeUndefined();
});
