import { expect, test } from 'vitest';
import { extractSentences } from './extract-sentences.ts';

const LENGTH = 150_000;
const count = (text: string): number => Math.ceil(text.length / 4);
const filled = (part: string): string => part.repeat(Math.ceil(LENGTH / part.length)).slice(0, LENGTH);

/** Texts that are quadratic to a careless reader; at this length that takes minutes, and the test's time runs out. */
test.each([
  ['one letter', filled('a')],
  ['spaces', filled(' ')],
  ['line breaks', `a${filled('\n')}b`],
  ['spaces and line breaks', `a${filled(' \n')}b`],
  ['stops', filled('.')],
  ['stops and spaces', filled('. ')],
  ['paragraphs of one letter', filled('a\n\n')],
  ['items', filled('- a\n')],
  ['numbers', filled('1,000,')],
  ['distinct words', Array.from({ length: 20_000 }, (_, index) => `w${index.toString(36)}x`).join(' ')],
  ['Thai without spaces', filled('กรุงเทพมหานคร')],
  ['Han without stops', filled('长江流经武汉市')],
  ['lone surrogates', filled('\ud800')],
  ['unclosed fences', filled('```\na\n')],
  ['open tags', filled('<a>\n')],
  ['headings', filled('# a\n')],
  ['titles', filled('Title\nA sentence that is longer than its title.\n\n')],
  ['open braces', filled('{"a":')],
  ['backticks', filled('`a ')],
  ['quotation marks', filled('"a ')],
])('%s by the hundred thousand are extracted from in no time', (_, text) => {
  const query = 'What is the answer to the question of all questions about w1x w2x 1,000 长江 กรุงเทพ?';
  for (const budgetTokens of [50, 20_000]) {
    const result = extractSentences(text, { query, budgetTokens, count });
    expect(result.tokensAfter).toBeLessThanOrEqual(budgetTokens);
  }
});

test('a question of a megabyte is no hindrance', () => {
  const text = 'The Rhône flows through Lyon. '.repeat(100);
  expect(
    extractSentences(text, { query: filled('Rhône Lyon w '), budgetTokens: 50, count }).tokensAfter,
  ).toBeLessThanOrEqual(50);
});
