import type { CountTokens } from '../../tokens/count-tokens.ts';
import type { Compression } from '../compression.ts';
import { chosenUnits } from './chosen-units.ts';
import { EXTRACTION_WEIGHTS, type ExtractionWeights } from './extraction-weights.ts';
import { pinnedUnits, type TextRange } from './pinned-units.ts';
import { questionTerms } from './question-terms.ts';
import { readText } from './read-text.ts';
import { relevance } from './relevance.ts';
import { withSecondHop } from './second-hop.ts';
import { textUnits } from './text-units.ts';

/** Id and version of the transform; the version changes with anything that changes its results. @public */
export const EXTRACTOR_VERSION = 'extract@1';

/** What stands where sentences were left out. @public */
export const GAP_MARK = '[...]';

/** How a text is extracted. @public */
export interface ExtractionOptions {
  /** What the text is to answer. Where it is empty, the first sentences of paragraphs are kept. */
  readonly query: string;
  /** The most tokens that the result may have, marks and headings included. 0 or less, or NaN: nothing is kept. */
  readonly budgetTokens: number;
  /** Counts tokens; exact or an estimate. */
  readonly count: CountTokens;
  /**
   * Stretches that are kept whatever the question, as far as the budget goes.
   * @defaultValue none
   */
  readonly pinned?: readonly TextRange[] | undefined;
  /**
   * What stands where something was left out; `''` for nothing, which saves a token a gap, but makes the text look whole.
   * @defaultValue `GAP_MARK`
   */
  readonly mark?: string | undefined;
}

/**
 * Keeps the sentences of a text that a question needs, in their order, within a budget of tokens. What is left out is marked; headings and tags around
 * what is kept are kept; code, JSON and tables are kept or left out as a whole. Kept first, within half of the budget: instructions to the model, and
 * for each number of the question the best sentence that has it. A text within the budget is returned as it is.
 *
 * Purely lexical and deterministic; works in any language. Never throws; takes time that is n log n in the text at most.
 * @public
 */
export function extractSentences(text: string, options: ExtractionOptions): Compression {
  return extractWith(text, options, EXTRACTION_WEIGHTS);
}

/** As `extractSentences`, with other weights: for measuring them. @internal */
export function extractWith(text: string, options: ExtractionOptions, weights: ExtractionWeights): Compression {
  const { query, count, pinned = [], mark = GAP_MARK } = options;
  const budgetTokens = Number.isNaN(options.budgetTokens) ? 0 : Math.max(0, Math.floor(options.budgetTokens));
  const tokensBefore = text === '' ? 0 : count(text);
  if (tokensBefore <= budgetTokens) return { text, tokensBefore, tokensAfter: tokensBefore, steps: [] };
  const read = readText(text, query, textUnits(text));
  const asked = questionTerms(read, weights);
  const scores = withSecondHop(read, asked, relevance(read, asked, weights), weights);
  const order = read.units.map((_, unit) => unit);
  order.sort((left, right) => (scores[right] as number) - (scores[left] as number) || left - right);
  const chosen = chosenUnits({ read, order, pinned: pinnedUnits(read, order, pinned), budgetTokens, mark, count });
  return {
    text: chosen.text,
    tokensBefore,
    tokensAfter: chosen.tokens,
    steps: [{ transform: EXTRACTOR_VERSION, savedTokens: tokensBefore - chosen.tokens, edits: chosen.edits }],
  };
}
