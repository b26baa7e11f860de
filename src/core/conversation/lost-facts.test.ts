import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lostFacts } from './lost-facts.ts';

test('numbers, dates and names that the summary does not have are listed, each once, in their order', () => {
  const source =
    'On 2026-11-26 Ada Lovelace paid 1,250 dollars to Bob. Later Ada paid 30 to Bob; see order_id and parseUsd.';
  expect(lostFacts(source, 'Ada paid 1250 dollars; order_id is open.')).toEqual({
    numbers: ['2026-11-26', '30'],
    names: ['Lovelace', 'Bob', 'parseUsd'],
  });
});

test('a capital at the beginning of a sentence or line makes no name', () => {
  expect(lostFacts('Nothing happened. Then it rained.\nAfterwards - Nobody came.', 'rain').names).toEqual([]);
});

test('a text loses nothing to itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(lostFacts(text, text)).toEqual({ numbers: [], names: [] });
    }),
  );
});
