import type { CountTokens } from '../../tokens/count-tokens.ts';
import { applyEdits } from '../apply-edits.ts';
import { compressText } from '../compress-text.ts';
import type { Compression, CompressionStep } from '../compression.ts';
import { allowedEdits, keepsSegments } from '../edit-rules.ts';
import { savingEdits } from '../saving-edits.ts';
import { segmentText } from '../segment-text.ts';
import { type DiffPart, textDiff } from '../text-diff.ts';
import type { SegmentedText, Transform } from '../transform.ts';
import { phrases } from '../transforms/phrases.ts';
import { type Contradiction, contradictions } from './contradictions.ts';
import { repeatedInstructions } from './repeated-instructions.ts';
import { tighten } from './tightenings.ts';

/** A system prompt after its optimisation, with all that a reviewer needs. @public */
export interface OptimizedSystemPrompt extends Compression {
  /** The prompt before and after, compared word by word. */
  readonly diff: readonly DiffPart[];
  /** Sentences of the prompt as it was that cannot both be followed. They are left as they are. */
  readonly contradictions: readonly Contradiction[];
}

/** In this order, after what is lossless. */
const TRANSFORMS: readonly Transform[] = [repeatedInstructions, phrases, tighten];

/** One step may make room for another; ordinary prompts come to rest in the second round. */
const MAX_ROUNDS = 8;

/**
 * Makes a system prompt shorter without changing what it asks for: what is lossless for any text, instructions that are said twice, set phrases, and openings
 * that only say that something is to be done (`TIGHTENINGS`). Code, quotations, URLs, templates and what stands between tags stay byte for byte, and so do all
 * numbers and negations of what is left. Never more tokens than before; the result gives itself.
 *
 * Meant for people who look over a prompt once, not for each call.
 * @example
 * const { text, diff, contradictions } = optimizeSystemPrompt(prompt, tokenizer.count);
 * @public
 */
export function optimizeSystemPrompt(text: string, count: CountTokens): OptimizedSystemPrompt {
  const found = contradictions({ text, segments: segmentText(text) });
  const result = settled(text, count);
  return { ...result, diff: textDiff(text, result.text), contradictions: found };
}

function settled(text: string, count: CountTokens): Compression {
  const tokensBefore = count(text);
  let current = text;
  let tokens = tokensBefore;
  const steps: CompressionStep[] = [];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = current;
    for (const transform of TRANSFORMS) {
      const step = stepOf({ text: current, segments: segmentText(current) }, transform, count, tokens);
      if (step === undefined) continue;
      current = step.text;
      tokens -= step.step.savedTokens;
      steps.push(step.step);
    }
    // Last, so that a repeated paragraph is taken out rather than referred to.
    const lossless = compressText(current, { level: 'lossless', tools: { count } });
    current = lossless.text;
    tokens = lossless.tokensAfter;
    steps.push(...lossless.steps);
    if (current === before) return { text: current, tokensBefore, tokensAfter: tokens, steps };
  }
  // It did not come to rest, so that its result would not give itself.
  return { text, tokensBefore, tokensAfter: tokensBefore, steps: [] };
}

function stepOf(
  source: SegmentedText,
  transform: Transform,
  count: CountTokens,
  tokens: number,
): { readonly text: string; readonly step: CompressionStep } | undefined {
  const proposed = allowedEdits(transform.apply(source, { count }), source.segments, transform);
  const edits = savingEdits(source.text, proposed, count);
  if (edits.length === 0) return undefined;
  const text = applyEdits(source.text, edits);
  const savedTokens = tokens - count(text);
  if (savedTokens <= 0 || !keepsSegments(source.segments, edits, segmentText(text))) return undefined;
  return { text, step: { transform: `${transform.id}@${transform.version}`, savedTokens, edits } };
}
