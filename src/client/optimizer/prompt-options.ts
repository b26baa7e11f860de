import { COMPRESSION_LEVELS, type CompressionLevel } from '../../core/compress/compression.ts';
import { FarthingError } from '../../core/errors.ts';
import type { Tags } from '../../core/model/caller.ts';
import type { TruncationKeep } from '../../core/compress/truncate-to-tokens.ts';
import type { ExtractionTarget, SubjectCompression } from './compress-subject.ts';

/** Which model tokens are counted for. @public */
export interface CountOptions {
  /** @defaultValue the model that the request names, else the optimizer's */
  readonly model?: string;
  readonly signal?: AbortSignal;
}

/** How a text is cut; a conversation is cut by rules of its own. @public */
export interface TruncateOptions {
  /** @defaultValue the model that the request names, else the optimizer's */
  readonly model?: string;
  /** Which part of a text stays. @defaultValue 'both' */
  readonly keep?: TruncationKeep;
  /** The question that `keep: 'relevant'` goes by. @defaultValue none: as `both` */
  readonly query?: string;
}

/** How much level `extractive` leaves, in one of two ways. @public */
export type ExtractionBudget =
  | {
      /** The most that is left of each text that is extracted from, as a share of its tokens, above 0 and below 1. @defaultValue 0.5 */
      readonly keepRatio?: number;
      readonly budgetTokens?: undefined;
    }
  | {
      /** The most that the whole may have, in tokens. */
      readonly budgetTokens: number;
      readonly keepRatio?: undefined;
    };

/** How a prompt is compressed. @public */
export type CompressOptions = ExtractionBudget & {
  /** How far texts may be changed. @defaultValue 'lossless' */
  readonly level?: CompressionLevel;
  /**
   * What is asked, for level `extractive` only.
   * @defaultValue looked for: the user's words before a tool's result, the last text of a message, a first or last paragraph
   */
  readonly query?: string;
  /** @defaultValue the model that the request names, else the optimizer's */
  readonly model?: string;
};

/** How a context is summed up. @public */
export interface SummarizeOptions {
  /** The model that writes the summary; a cheap one. It needs a price: `prices` of the optimizer where it is on no list. */
  readonly model: string;
  /** In how many calls the summary is expected to stand in place of what it sums up, the next one included. Too high a number pays for summaries that are not used. */
  readonly expectedReuses: number;
  /** What the summary may have, in tokens. @defaultValue 500 */
  readonly maxTokens?: number;
  /** So many turns at the end of a conversation stay as they are. @defaultValue 2 */
  readonly keepLastTurns?: number;
  /**
   * Whether the provider has the conversation in its prompt cache: what is left out saves less then, and what stands behind it has to be written anew.
   * @defaultValue false
   */
  readonly isCached?: boolean;
  /** Who pays. `side-call=summary` is added. @defaultValue none */
  readonly tags?: Tags;
  readonly signal?: AbortSignal;
}

const DEFAULT_KEEP_RATIO = 0.5;

/** @throws FarthingError `configuration` for an unknown level, a budget that is none, or one that the level does not heed. @internal */
export function readCompressOptions(options: CompressOptions): SubjectCompression {
  const { level = 'lossless', query, keepRatio, budgetTokens } = options;
  if (!COMPRESSION_LEVELS.includes(level)) {
    throw new FarthingError(
      'configuration',
      `level must be one of ${COMPRESSION_LEVELS.join(', ')}: ${level as string}`,
    );
  }
  const extracting = { query, keepRatio, budgetTokens };
  for (const [name, value] of Object.entries(extracting)) {
    if (value !== undefined && level !== 'extractive') {
      throw new FarthingError('configuration', `${name} is for level extractive only, not for ${level}`);
    }
  }
  return { level, query: query?.trim() === '' ? undefined : query, target: targetOf(keepRatio, budgetTokens) };
}

function targetOf(keepRatio: number | undefined, budgetTokens: number | undefined): ExtractionTarget {
  if (budgetTokens === undefined) {
    const ratio = keepRatio ?? DEFAULT_KEEP_RATIO;
    if (ratio > 0 && ratio < 1) return { keepRatio: ratio };
    throw new FarthingError('configuration', `keepRatio must be above 0 and below 1: ${ratio}`);
  }
  if (keepRatio !== undefined) throw new FarthingError('configuration', 'give keepRatio or budgetTokens, not both');
  return { budgetTokens: demandTokens('budgetTokens', budgetTokens) };
}

/** A number of tokens above 0. @throws FarthingError `configuration` where it is none. @internal */
export function demandTokens(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 1) return Math.floor(value);
  throw new FarthingError('configuration', `${name} must be a number of tokens above 0: ${value}`);
}

/** A model's name. @throws FarthingError `configuration` where it is none. @internal */
export function demandModel(name: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new FarthingError('configuration', `${name} must be the name of a model`);
}
