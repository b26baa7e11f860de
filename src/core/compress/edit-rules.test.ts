import { expect, test } from 'vitest';
import { allowedEdits, keepsSegments } from './edit-rules.ts';
import { segmentText } from './segment-text.ts';
import { type Transform, WORD_KINDS } from './transform.ts';

const text = 'Some words and `code` here.';
const segments = segmentText(text);
const code = { start: text.indexOf('`'), end: text.lastIndexOf('`') + 1, text: '' };
const words = { start: 0, end: 4, text: 'Few' };
const transform: Transform = { id: 'x', version: 1, level: 'light', kinds: WORD_KINDS, apply: () => [] };

test('an edit that reaches out of the kinds of its transform is dropped, unless it may replace and replaces the whole', () => {
  const part = { ...code, end: code.end - 1 };
  expect(allowedEdits([words, code], segments, transform)).toEqual([words]);
  expect(allowedEdits([words, code], segments, { ...transform, replacesWhole: true })).toEqual([words, code]);
  expect(allowedEdits([part], segments, { ...transform, replacesWhole: true })).toEqual([]);
});

test('what was code must be code where it is now', () => {
  expect(keepsSegments(segments, [words], segmentText('Few words and `code` here.'))).toBe(true);
  expect(keepsSegments(segments, [words], segmentText('Few words and "code" here.'))).toBe(false);
});
