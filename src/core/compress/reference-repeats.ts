import type { CountTokens } from '../tokens/count-tokens.ts';
import type { Compression } from './compression.ts';
import { Excerpts, MIN_REPEAT_CHARACTERS, repeatMark } from './transforms/repeat-mark.ts';

const REFERENCE_VERSION = 1;

/**
 * Texts of one conversation in their order, such as the results of its tools: one that has been there before, letter by letter, becomes a mark that
 * names the first one by its first words. What a text becomes depends on it and the texts before it alone, so that a longer conversation begins as the
 * shorter one did and the provider's cached prefix holds.
 * @returns one compression for each text.
 * @public
 */
export function referenceRepeats(texts: readonly string[], count: CountTokens): readonly Compression[] {
  const excerpts = new Excerpts();
  const seen = new Set<string>();
  return texts.map((text) => {
    const tokensBefore = count(text);
    const unchanged = { text, tokensBefore, tokensAfter: tokensBefore, steps: [] };
    const content = text.trim();
    const isRepeat = content.length >= MIN_REPEAT_CHARACTERS && seen.has(text);
    seen.add(text);
    excerpts.add(content);
    const excerpt = isRepeat ? excerpts.of(content) : undefined;
    if (excerpt === undefined) return unchanged;
    const mark = repeatMark(excerpt);
    const tokensAfter = count(mark);
    if (tokensAfter >= tokensBefore) return unchanged;
    const edits = [{ start: 0, end: text.length, text: mark }];
    const step = {
      transform: `reference-repeats@${REFERENCE_VERSION}`,
      savedTokens: tokensBefore - tokensAfter,
      edits,
    };
    return { text: mark, tokensBefore, tokensAfter, steps: [step] };
  });
}
