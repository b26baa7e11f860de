import fc from 'fast-check';
import { test } from 'vitest';
import { expectSameTokens, oddText, tokenizerPairs } from '../../test/support/same-tokens.ts';
import { compilerMessages, MESSAGE_LANGUAGES, repositoryText, samplesOf } from '../../test/support/token-texts.ts';

const pairs = await tokenizerPairs();

test('any text has the ids of js-tiktoken', () => {
  fc.assert(
    fc.property(oddText(), (text) => expectSameTokens(pairs, [text])),
    { numRuns: 50_000 },
  );
});

test('long stretches of source text, Markdown and prose in many languages have the ids of js-tiktoken', () => {
  expectSameTokens(pairs, samplesOf(repositoryText('src', '.ts'), 40, 20_000));
  expectSameTokens(pairs, samplesOf(repositoryText('docs', '.md'), 10, 20_000));
  for (const language of MESSAGE_LANGUAGES) expectSameTokens(pairs, samplesOf(compilerMessages(language), 10, 5000));
});
