import type { TokenEncoding, Tokenizer } from '../ports/tokenizer.ts';
import { briefTokenizer } from '../tokenizers/brief-tokenizer.ts';
import { loadTokenizer } from '../tokenizers/load-tokenizer.ts';

/** How much memory an engine spends, so that calls are cheaper: on calls that are over, and on counting tokens. @internal */
export interface EngineMemory {
  /** Records that are found before the ledger's next commit. */
  readonly recentCalls: number;
  /** Keys of questions whose repeats are told, about 150 bytes each. */
  readonly seenKeys: number;
  /** Bodies that are answered from memory without being parsed, about a kilobyte each with their plans. 0: none. */
  readonly rawKeys: number;
  /** After the first calls of a target one in so many is looked at, to learn how far off counts of tokens are. Infinity: none. */
  readonly calibratedOneIn: number;
  readonly tokenizerOf: (encoding: TokenEncoding) => Promise<Tokenizer>;
}

/** Bounds by the name that {@link EngineOptions.memory} gives them. Ours: beside vocabularies some 40 MB in all for an engine that is asked by many, and 1 MB for one that works through a list. @internal */
export const ENGINE_MEMORY: Readonly<Record<'ample' | 'lean', EngineMemory>> = {
  ample: { recentCalls: 4_000, seenKeys: 100_000, rawKeys: 20_000, calibratedOneIn: 16, tokenizerOf: loadTokenizer },
  lean: {
    recentCalls: 1_000,
    seenKeys: 5_000,
    rawKeys: 0,
    calibratedOneIn: Number.POSITIVE_INFINITY,
    tokenizerOf: briefTokenizer,
  },
};
