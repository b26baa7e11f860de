import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CountTokens } from '../core/tokens/count-tokens.ts';
import type { Tokenizer } from '../ports/tokenizer.ts';

/** Texts up to this length are counted at once: less than a tenth of a millisecond. */
const SHORT_CHARACTERS = 512;

/** Characters of short texts after which the event loop gets a turn: some 10 ms. */
const TURN_CHARACTERS = 65_536;

/**
 * Runs pure code that counts texts, without holding the event loop while they are counted: once to learn which texts it counts, and once with their counts.
 * @param run - must ask for the same texts whatever their counts are.
 * @throws the signal's reason when it fires.
 * @public
 */
export async function countedInTurns<Result>(
  run: (count: CountTokens) => Result,
  tokenizer: Tokenizer,
  signal?: AbortSignal,
): Promise<Result> {
  const counts = new Map<string, number>();
  run((text) => {
    counts.set(text, 0);
    return 0;
  });
  let characters = 0;
  for (const text of counts.keys()) {
    // oxlint-disable-next-line no-await-in-loop -- one text after the other: counting is work, not waiting
    if (text.length > SHORT_CHARACTERS) counts.set(text, await tokenizer.countInTurns(text, signal));
    else {
      counts.set(text, tokenizer.count(text));
      characters += text.length;
      if (characters < TURN_CHARACTERS) continue;
      characters = 0;
      signal?.throwIfAborted();
      // oxlint-disable-next-line no-await-in-loop -- see above
      await nextTurn();
    }
  }
  return run((text) => counts.get(text) ?? tokenizer.count(text));
}
