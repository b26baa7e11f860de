import { expect, test } from 'vitest';
import { questionOf } from './question-of.ts';

const CONTEXT = Array.from({ length: 20 }, (_, index) => `Document ${index}: ${'words of it '.repeat(20)}`).join(
  '\n\n',
);

test('a question behind its documents is found, and they are the context', () => {
  const text = `${CONTEXT}\n\nWho wrote the second one?`;
  const found = questionOf(text);
  expect(found?.question).toBe('Who wrote the second one?');
  expect(text.slice(found?.start, found?.end)).toContain('Document 10');
  expect(text.slice(found?.start, found?.end)).not.toContain('Who wrote');
});

test('a question before its documents is found', () => {
  const found = questionOf(`Who wrote the second one?\n\n${CONTEXT}`);
  expect(found?.question).toContain('Who wrote the second one?');
});

test('a text of one paragraph asks nothing that could be told from it', () => {
  expect(questionOf('words '.repeat(5000))).toBeUndefined();
});

test('a short exchange has no context to choose from', () => {
  expect(questionOf('Hello.\n\nHow are you?')).toBeUndefined();
});
