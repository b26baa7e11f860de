import type { CountTokens } from '../tokens/count-tokens.ts';

/**
 * How far a text may be changed; each level includes the ones before it.
 *
 * - `off`: every byte as it was.
 * - `lossless`: the same data and the same words.
 * - `structural`: the same facts in another notation (records as a table, HTML as Markdown).
 * - `light`: the same meaning: set phrases and politeness, English prose only.
 * - `extractive`: the sentences that a question needs, under a budget.
 * @public
 */
export type CompressionLevel = 'off' | 'lossless' | 'structural' | 'light' | 'extractive';

/** The levels in their order. @public */
export const COMPRESSION_LEVELS: readonly CompressionLevel[] = ['off', 'lossless', 'structural', 'light', 'extractive'];

/** One stretch that was replaced: offsets in the text that the transform was given, and what stands there now (`''`: nothing). @public */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What one transform did. @public */
export interface CompressionStep {
  /** `json-minify@1`: the id and the version of the transform. */
  readonly transform: string;
  /** Tokens that it saved; never negative, a transform that saves nothing is not applied. */
  readonly savedTokens: number;
  /** In order, without overlaps. */
  readonly edits: readonly TextEdit[];
}

/** A text after compression, with all that is needed to review it. @public */
export interface Compression {
  readonly text: string;
  readonly tokensBefore: number;
  /** Never more than `tokensBefore`. */
  readonly tokensAfter: number;
  /** What was done, in order; none where nothing was. */
  readonly steps: readonly CompressionStep[];
}

/** Turns an HTML document or fragment into Markdown. Passed in, since `core` has no parser. @public */
export type HtmlToMarkdown = (html: string) => string;

/** What transforms may use. @public */
export interface CompressionTools {
  readonly count: CountTokens;
  /** @defaultValue HTML stays as it is */
  readonly htmlToMarkdown?: HtmlToMarkdown | undefined;
}
