import { compressText } from '../compress/compress-text.ts';
import type { Compression, CompressionLevel, CompressionTools } from '../compress/compression.ts';
import { extractSentences } from '../compress/extract/extract-sentences.ts';
import { type AskedText, questionOf } from './question-of.ts';

/**
 * Why level `extractive` left nothing out of a text.
 *
 * - `no-question`: none was given, and none can be told from the text.
 * - `budget-too-small`: the budget is used up by what must stay.
 * @public
 */
export type ExtractionSkip = 'no-question' | 'budget-too-small';

/** A text after compression. @public */
export interface CompressedText {
  readonly compression: Compression;
  /** Undefined: it was extracted from, or needed not be. */
  readonly skip: ExtractionSkip | undefined;
}

/** How a text is compressed. @public */
export interface CompressedTextOptions {
  readonly level: CompressionLevel;
  /** What the text is to answer. Undefined: it is looked for in the text itself. */
  readonly query: string | undefined;
  /** The most that level `extractive` leaves of the text, in tokens, by how many it had. */
  readonly budgetTokens: (tokensBefore: number) => number;
  readonly tools: CompressionTools;
}

/** Tokens reach over the ends of what is put together: so often the budget is corrected. */
const MAX_TRIES = 4;

/** Compresses a text at any level, `extractive` included; what of it asks stays as it is. @public */
export function compressedText(text: string, options: CompressedTextOptions): CompressedText {
  const { level, query, tools } = options;
  const compression = compressText(text, { level, tools });
  if (level !== 'extractive') return { compression, skip: undefined };
  const budgetTokens = options.budgetTokens(compression.tokensBefore);
  if (compression.tokensAfter <= budgetTokens) return { compression, skip: undefined };
  const asked =
    query === undefined ? questionOf(compression.text) : { question: query, start: 0, end: compression.text.length };
  if (asked === undefined) return { compression, skip: 'no-question' };
  const extracted = withExtraction(compression, asked, budgetTokens, tools);
  return extracted === undefined
    ? { compression, skip: 'budget-too-small' }
    : { compression: extracted, skip: undefined };
}

/** @returns undefined where nothing of the context fits. */
function withExtraction(
  compression: Compression,
  { question, start, end }: AskedText,
  budgetTokens: number,
  { count }: CompressionTools,
): Compression | undefined {
  const { text } = compression;
  const [head, context, tail] = [text.slice(0, start), text.slice(start, end), text.slice(end)];
  const around = (head === '' ? 0 : count(head)) + (tail === '' ? 0 : count(tail));
  let room = budgetTokens - around;
  for (let tries = 0; tries < MAX_TRIES && room > 0; tries += 1) {
    const kept = extractSentences(context, { query: question, budgetTokens: room, count });
    if (kept.text === '') return undefined;
    const extracted = head + kept.text + tail;
    const tokensAfter = count(extracted);
    if (tokensAfter > budgetTokens) {
      room -= tokensAfter - budgetTokens;
      continue;
    }
    const savedTokens = compression.tokensAfter - tokensAfter;
    const steps = kept.steps.map(({ transform, edits }) => ({
      transform,
      savedTokens,
      edits: edits.map((edit) => ({ text: edit.text, start: edit.start + start, end: edit.end + start })),
    }));
    return { ...compression, text: extracted, tokensAfter, steps: [...compression.steps, ...steps] };
  }
  return undefined;
}
