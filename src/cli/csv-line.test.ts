import { expect, test } from 'vitest';
import { csvLine } from './csv-line.ts';

test.each([
  ['=HYPERLINK("http://evil")', `"'=HYPERLINK(""http://evil"")"`],
  ['+1+1', `'+1+1`],
  ['-2+3', `'-2+3`],
  ['@SUM(A1)', `'@SUM(A1)`],
  ['\t=1', `'\t=1`],
  ['\r=1', `"'\r=1"`],
])('the text %j would run as a formula and is made inert', (cell, line) => {
  expect(csvLine([cell])).toBe(line);
});

test('negative amounts stay numbers', () => {
  expect(csvLine(['-0.000000001', -3, 'a-b'])).toBe('-0.000000001,-3,a-b');
});

test('commas, quotes and line ends are kept inside their cell, and absent cells are empty', () => {
  expect(csvLine(['a,b', 'say "hi"', 'two\nlines', undefined, 0, ''])).toBe('"a,b","say ""hi""","two\nlines",,0,');
});
