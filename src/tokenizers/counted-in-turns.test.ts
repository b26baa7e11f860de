import { expect, test } from 'vitest';
import type { CountTokens } from '../core/tokens/count-tokens.ts';
import type { Tokenizer } from '../ports/tokenizer.ts';
import { countedInTurns } from './counted-in-turns.ts';
import { loadTokenizer } from './load-tokenizer.ts';

function sumOf(texts: readonly string[]): (count: CountTokens) => number {
  return (count) => texts.reduce((sum, text) => sum + count(text), 0);
}

test('the result is that of counting at once', async () => {
  const tokenizer = await loadTokenizer('o200k_base');
  const texts = ['', 'short', 'short', 'a longer text, '.repeat(400), 'ünïcödé 漢字 \ud800'];
  const run = sumOf(texts);
  expect(await countedInTurns(run, tokenizer)).toBe(run((text) => tokenizer.count(text)));
});

test('a text that comes again is counted once, and long ones in turns', async () => {
  const asked: string[] = [];
  const tokenizer: Tokenizer = {
    encoding: 'o200k_base',
    encode: () => [],
    count: (text) => (asked.push(`at once ${text.length}`), 1),
    countInTurns: (text) => (asked.push(`in turns ${text.length}`), Promise.resolve(2)),
  };
  const long = 'x'.repeat(5000);
  expect(await countedInTurns(sumOf(['a', long, 'a', long]), tokenizer)).toBe(6);
  expect(asked).toEqual(['at once 1', 'in turns 5000']);
});

test('many short texts leave turns to others, and the signal ends it', async () => {
  const tokenizer = await loadTokenizer('o200k_base');
  const texts = Array.from({ length: 2000 }, (_, index) => `${index} ${'word '.repeat(60)}`);
  let turns = 0;
  const ticking = setInterval(() => (turns += 1), 0);
  await countedInTurns(sumOf(texts), tokenizer);
  clearInterval(ticking);
  expect(turns).toBeGreaterThan(0);
  const reason = new Error('enough');
  await expect(countedInTurns(sumOf(texts), tokenizer, AbortSignal.abort(reason))).rejects.toBe(reason);
});
