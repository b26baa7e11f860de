import { expect, test } from 'vitest';
import { plainTable } from './plain-table.ts';

test('columns are as wide as their widest cell, and lines have no trailing spaces', () => {
  const rows = [
    ['gpt-5.4-mini', '0.75'],
    ['o3', '2'],
  ];
  expect(plainTable(['model', 'input'], rows, { align: ['left', 'right'] })).toBe(
    ['model         input', '------------  -----', 'gpt-5.4-mini   0.75', 'o3                2'].join('\n'),
  );
  expect(plainTable(['a', 'b'], [['x', '']])).toBe('a  b\n-  -\nx');
});

test('missing cells are empty, and no rows leave the headers', () => {
  expect(plainTable(['a', 'bb'], [['1']])).toBe('a  bb\n-  --\n1');
  expect(plainTable(['a', 'bb'], [])).toBe('a  bb\n-  --');
});

test('a cell cannot break the row or move the cursor', () => {
  expect(plainTable(['tag'], [['a\nb\u001b[2J']])).toBe('tag\n-------\na?b?[2J');
});

test('wide characters take two columns', () => {
  expect(plainTable(['tag', 'n'], [['日本', '1']]).split('\n')[2]).toBe('日本  1');
  expect(plainTable(['tag', 'n'], [['e\u0301e\u0301', '1']]).split('\n')[2]).toBe('e\u0301e\u0301   1');
});
