import { compressText } from '../compress/compress-text.ts';
import type { Compression, CompressionTools } from '../compress/compression.ts';
import { extractSentences } from '../compress/extract/extract-sentences.ts';
import type { OptimizePolicy } from '../optimize-policy.ts';
import type { PromptText } from './prompt-texts.ts';
import { questionOf } from './question-of.ts';

/** A text after the optimiser. @public */
export interface OptimisedText {
  readonly text: string;
  /** Tokens less than before; 0 where the text stayed as it was. */
  readonly savedTokens: number;
}

/**
 * One text of a prompt as the policy's level makes it. Everything but level `extractive` depends on the text alone; that one on the question asked of
 * it as well. Where nobody knows what is asked, nothing is left out.
 * @public
 */
export function optimisedText(
  { role, text, question }: PromptText,
  policy: Pick<OptimizePolicy, 'level' | 'extract'>,
  tools: CompressionTools,
): OptimisedText {
  const compressed = compressText(text, { level: policy.level, tools });
  const extracted =
    policy.level === 'extractive' && role !== 'system' && compressed.tokensAfter >= policy.extract.minTokens
      ? extractedText(compressed, question, policy.extract.keepRatio, tools)
      : compressed.text;
  if (extracted === compressed.text) {
    return { text: compressed.text, savedTokens: compressed.tokensBefore - compressed.tokensAfter };
  }
  const savedTokens = compressed.tokensBefore - tools.count(extracted);
  return savedTokens > 0 ? { text: extracted, savedTokens } : { text, savedTokens: 0 };
}

function extractedText(
  { text, tokensAfter }: Compression,
  question: string | undefined,
  keepRatio: number,
  { count }: CompressionTools,
): string {
  const asked = question === undefined ? questionOf(text) : { question, start: 0, end: text.length };
  if (asked === undefined) return text;
  const context = text.slice(asked.start, asked.end);
  const contextTokens = context === text ? tokensAfter : count(context);
  const budgetTokens = Math.floor(contextTokens * keepRatio);
  const kept = extractSentences(context, { query: asked.question, budgetTokens, count });
  return text.slice(0, asked.start) + kept.text + text.slice(asked.end);
}
