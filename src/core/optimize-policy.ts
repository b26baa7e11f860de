import type { CompressionLevel } from './compress/compression.ts';

/** What level `extractive` keeps of long texts. @public */
export interface ExtractPolicy {
  /** Share of a text's tokens that is kept, above 0 and below 1. */
  readonly keepRatio: number;
  /** Texts below this many tokens stay whole. */
  readonly minTokens: number;
}

/** How prompts are made cheaper on their way to a provider. @public */
export interface OptimizePolicy {
  /** How far a prompt's texts may be changed. Instructions of the system and what the model itself said are never extracted from. */
  readonly level: CompressionLevel;
  /** Heeded at level `extractive` only. */
  readonly extract: ExtractPolicy;
  /**
   * `auto`: what providers ask for to cache prompts (breakpoints, cache keys) is added where it pays by what was seen to recur; what a caller set
   * itself is left alone.
   */
  readonly promptCache: 'auto' | 'off';
  /** For how long a call may wait for another one that writes the same prefix to the provider's cache, in milliseconds; 0: never. */
  readonly prefixWaitMs: number;
  /**
   * Conversations longer than this many tokens lose their oldest turns, in steps: at once down to half, so that what is left stays the same, and cached,
   * for many turns. Undefined: none is cut.
   */
  readonly historyMaxTokens: number | undefined;
  /** Tools that may be left out of a call as long as its conversation has not used them: names, `*` stands for anything. */
  readonly unusedTools: readonly string[];
  /** `fit`: inline images are made as small as the provider makes them itself; needs the package `sharp`. */
  readonly images: 'verbatim' | 'fit';
}

/** Nothing is changed; as `optimize` of the configuration. @public */
export const DEFAULT_OPTIMIZE: OptimizePolicy = {
  level: 'off',
  extract: { keepRatio: 0.5, minTokens: 2000 },
  promptCache: 'off',
  prefixWaitMs: 2000,
  historyMaxTokens: undefined,
  unusedTools: [],
  images: 'verbatim',
};
