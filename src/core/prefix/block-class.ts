import type { PrefixBlock } from './prefix-block.ts';
import { BLOCK_CASES, classIndex, TAIL_SIZES } from './recurrence-counts.ts';

/** What is remembered of a block. @internal */
export interface SeenBlock {
  lastMs: number;
  /** Requests that had it. */
  seen: number;
  /** Those of them that came while the one before was still readable. */
  reused: number;
  /** Different blocks that followed it. */
  children: number;
}

/** What a request looks like as a whole. @internal */
export interface RequestState {
  /** Blocks seen before, from the front. */
  readonly seenDepth: number;
  /** Of these, from the front, those that would still be readable had all been written. */
  readonly liveDepth: number;
  readonly blocks: number;
  /** By powers of two of what is new after the last block that was seen before. */
  readonly tailSize: number;
  /** Whether it goes on where an earlier request was, rather than sharing only a head that many share. */
  readonly isContinued: boolean;
}

/** Tokens of the smallest step of a tail's size. */
const SMALLEST_TAIL_TOKENS = 256;
/** A block that so many different blocks followed is a shared head, no conversation. */
const HEAD_CHILDREN = 3;

/** Looks at a request as a whole. @internal */
export function stateOfRequest(
  chain: readonly PrefixBlock[],
  known: readonly (SeenBlock | undefined)[],
  liveDepth: number,
): RequestState {
  const unseen = known.indexOf(undefined);
  const seenDepth = unseen < 0 ? known.length : unseen;
  let tailTokens = 0;
  for (let depth = seenDepth; depth < chain.length; depth += 1) tailTokens += chain[depth]?.tokens ?? 0;
  const last = known[seenDepth - 1];
  return {
    seenDepth,
    liveDepth,
    blocks: chain.length,
    tailSize: Math.min(TAIL_SIZES - 1, sizeStep(tailTokens)),
    isContinued: last !== undefined && last.children < HEAD_CHILDREN,
  };
}

/**
 * The class of a block by what is known before the request is sent.
 * @param tokensAfter - of the request behind this block.
 * @internal
 */
export function classOf(
  request: RequestState,
  block: SeenBlock | undefined,
  depth: number,
  tokensAfter: number,
  livesAgo: number,
): number {
  const { tailSize } = request;
  if (block === undefined) {
    return classIndex({
      state: request.isContinued ? 1 : 0,
      tailSize,
      blockCase: Math.min(BLOCK_CASES - 1, sizeStep(tokensAfter)),
    });
  }
  if (depth < request.liveDepth) {
    const blockCase = livesAgo < 1 / 8 ? 0 : livesAgo < 1 / 2 ? 1 : 2;
    return classIndex({ state: 2 + Math.min(block.reused, 2), tailSize, blockCase });
  }
  const blockCase = livesAgo < 2 ? 0 : livesAgo < 4 ? 1 : 2;
  return classIndex({ state: 5 + Math.min(block.reused, 1), tailSize, blockCase });
}

function sizeStep(tokens: number): number {
  return Math.max(0, Math.floor(Math.log2(tokens / SMALLEST_TAIL_TOKENS + 1)));
}
