import { expect, test } from 'vitest';
import { applyEdits } from '../compress/apply-edits.ts';
import { stepChanges } from '../compress/step-changes.ts';
import { compressedText } from './compressed-text.ts';

const count = (text: string): number => text.match(/\S+|\n/g)?.length ?? 0;
const SENTENCES = Array.from({ length: 40 }, (_, index) =>
  index === 23
    ? 'The mint of Bristol struck the farthing in 1613.'
    : `Sentence number ${index} tells of weather and wool.`,
);
const context = SENTENCES.join(' ');

function compressed(text: string, query: string | undefined, budgetTokens: number) {
  return compressedText(text, { level: 'extractive', query, budgetTokens: () => budgetTokens, tools: { count } });
}

test('with a question the sentences that it needs are kept within the budget', () => {
  const { compression, skip } = compressed(context, 'Which mint struck the farthing?', 60);
  expect(skip).toBeUndefined();
  expect(compression.text).toContain('The mint of Bristol');
  expect(compression.tokensAfter).toBeLessThanOrEqual(60);
  expect(compression.tokensAfter).toBe(count(compression.text));
});

test('a question that stands in the text is found, stays, and is within the budget', () => {
  const text = `Which mint struck the farthing?\n\n${context}\n\nThe end of it all.`;
  const { compression, skip } = compressed(text, undefined, 60);
  expect(skip).toBeUndefined();
  expect(compression.text).toMatch(/^Which mint struck the farthing\?\n\n/);
  expect(compression.text).toContain('The mint of Bristol');
  expect(count(compression.text)).toBeLessThanOrEqual(60);
});

test('the steps lead from the text to the result', () => {
  const text = `Which mint struck the farthing?\n\n${context}\n\nThe end of it all.`;
  const { compression } = compressed(text, undefined, 60);
  expect(compression.steps.reduce((current, { edits }) => applyEdits(current, edits), text)).toBe(compression.text);
  const saved = compression.steps.reduce((sum, { savedTokens }) => sum + savedTokens, 0);
  expect(saved).toBe(compression.tokensBefore - compression.tokensAfter);
  expect(
    stepChanges(text, compression.steps)
      .flat()
      .map(({ removed }) => removed)
      .join(''),
  ).toContain('number 3 tells');
});

test('where nobody knows what is asked nothing is left out, and it is said', () => {
  expect(compressed(context, undefined, 60)).toMatchObject({ skip: 'no-question', compression: { text: context } });
});

test('a budget that the question alone uses up leaves everything, and it is said', () => {
  const text = `Which mint struck the farthing?\n\n${context}\n\nThe end of it all.`;
  expect(compressed(text, undefined, 4)).toMatchObject({ skip: 'budget-too-small', compression: { text } });
});
