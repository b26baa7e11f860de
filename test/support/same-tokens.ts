import fc from 'fast-check';
import { Tiktoken } from 'js-tiktoken/lite';
import { expect } from 'vitest';
import type { TokenEncoding, Tokenizer } from '../../src/ports/tokenizer.ts';
import { loadTokenizer } from '../../src/tokenizers/load-tokenizer.ts';
import { ODD_TEXTS } from './odd-texts.ts';
import { rankTable } from './rank-tables.ts';

/** A tokenizer and the one that it is held to. */
export interface TokenizerPair {
  readonly ours: Tokenizer;
  readonly reference: Tiktoken;
}

/** Both encodings. */
export async function tokenizerPairs(): Promise<Readonly<Record<TokenEncoding, TokenizerPair>>> {
  const pairOf = async (encoding: TokenEncoding): Promise<TokenizerPair> => ({
    ours: await loadTokenizer(encoding),
    reference: new Tiktoken(rankTable(encoding)),
  });
  return { o200k_base: await pairOf('o200k_base'), cl100k_base: await pairOf('cl100k_base') };
}

/** The ids of each text are those of js-tiktoken, and their number is the count. */
export function expectSameTokens(
  pairs: Readonly<Record<TokenEncoding, TokenizerPair>>,
  texts: readonly string[],
): void {
  for (const { ours, reference } of Object.values(pairs)) {
    for (const text of texts) {
      const ids = ours.encode(text);
      expect(ids, JSON.stringify(text.slice(0, 200))).toEqual(reference.encode(text, [], []));
      expect(ours.count(text)).toBe(ids.length);
    }
  }
}

/** Text of any characters, mixed with what tokenizers differ in. */
export function oddText(): fc.Arbitrary<string> {
  const odd = fc.constantFrom(...ODD_TEXTS.flatMap((text) => text.split(/(?<= )/)));
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    odd,
  );
  return fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
}
