import { applyEdits } from './apply-edits.ts';
import {
  COMPRESSION_LEVELS,
  type Compression,
  type CompressionLevel,
  type CompressionStep,
  type CompressionTools,
} from './compression.ts';
import { allowedEdits, keepsSegments } from './edit-rules.ts';
import { savingEdits } from './saving-edits.ts';
import { segmentText } from './segment-text.ts';
import type { SegmentedText, Transform } from './transform.ts';
import { TRANSFORMS } from './transforms.ts';

/** One transform may make room for another; ordinary texts come to rest in the second round. */
const MAX_ROUNDS = 8;

/** @public */
export interface CompressTextOptions {
  /** `extractive` does here what `light` does: which sentences a question needs is the caller's next step, since it takes the question and a budget. */
  readonly level: CompressionLevel;
  readonly tools: CompressionTools;
}

/**
 * Makes a text shorter in tokens, as far as its level allows. Never throws; a text that is unclear comes back as it is.
 *
 * - Never more tokens than before, by the caller's own count; a step or edit that saves nothing is not made.
 * - What is not running text, JSON, a table or HTML stays byte for byte, unless it is a repeat as a whole.
 * - The same text always gives the same result, and the result gives itself.
 *
 * Takes time that is linear in the text, most of it for counting: some four counts of a text that changes, one of a text that does not.
 * @example
 * compressText(toolResult, { level: 'lossless', tools: { count: (part) => tokenizer.count(part) } }).text
 * @public
 */
export function compressText(text: string, options: CompressTextOptions): Compression {
  const { count } = options.tools;
  const tokensBefore = count(text);
  const unchanged: Compression = { text, tokensBefore, tokensAfter: tokensBefore, steps: [] };
  const transforms = transformsOf(options.level);
  if (transforms.length === 0) return unchanged;
  let state: State = { source: segmented(text), tokens: tokensBefore, steps: [] };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = state;
    for (const transform of transforms) state = stepped(state, transform, options.tools);
    if (state === before) {
      return { text: state.source.text, tokensBefore, tokensAfter: state.tokens, steps: state.steps };
    }
  }
  // It did not come to rest, so that its result would not give itself.
  return unchanged;
}

interface State {
  readonly source: SegmentedText;
  readonly tokens: number;
  readonly steps: readonly CompressionStep[];
}

function stepped(state: State, transform: Transform, tools: CompressionTools): State {
  const { source, tokens } = state;
  const proposed = allowedEdits(transform.apply(source, tools), source.segments, transform);
  const edits = transform.isAllOrNone === true ? proposed : savingEdits(source.text, proposed, tools.count);
  if (edits.length === 0) return state;
  const text = applyEdits(source.text, edits);
  const tokensAfter = tools.count(text);
  if (tokensAfter >= tokens) return state;
  const next = segmented(text);
  if (!keepsSegments(source.segments, edits, next.segments)) return state;
  const step = { transform: `${transform.id}@${transform.version}`, savedTokens: tokens - tokensAfter, edits };
  return { source: next, tokens: tokensAfter, steps: [...state.steps, step] };
}

function segmented(text: string): SegmentedText {
  return { text, segments: segmentText(text) };
}

function transformsOf(level: CompressionLevel): readonly Transform[] {
  const rank = COMPRESSION_LEVELS.indexOf(level);
  return TRANSFORMS.filter((transform) => COMPRESSION_LEVELS.indexOf(transform.level) <= rank);
}
