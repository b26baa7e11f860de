import type { PrefixBlock } from './prefix-block.ts';

/** What is remembered of a request as long as one of its blocks is the last that had it. */
interface SeenRequest {
  readonly tokens: number;
  readonly blocks: number;
  /** Requests of its conversation before it. */
  readonly turn: number;
  /** Lives of a write that passed over all these turns. */
  readonly lives: number;
}

/** What is remembered of a block. @internal */
export interface SeenBlock {
  lastMs: number;
  /** Requests that came while the one before was still readable. */
  reused: number;
  /** Different blocks that followed it. */
  children: number;
  /** The last that had it. */
  request: SeenRequest;
}

/** What a request looks like as a whole. @internal */
export interface RequestState extends SeenRequest {
  /** Blocks seen before, from the front, that would still be readable had all been written. */
  readonly liveDepth: number;
  /** Whether nothing of it but a head that many share was seen before. */
  readonly isFirst: boolean;
  /** Which earlier prompt has nearly its length, of those that were first like it. */
  readonly nearLength: number;
  /** What is new in it, by how near the end of the last request it begins. */
  readonly tail: number;
  /** How much of it was seen before, by whether that is the whole last request. */
  readonly overlap: number;
  /** Turns so far, by how fast they came. */
  readonly pace: number;
  /** How much longer it is than the last request. */
  readonly growth: number;
}

/**
 * The kinds of blocks that are counted apart: new ones of a first prompt, new ones behind known ones, readable ones by how often they were
 * used before (three kinds), ones whose life has passed (two), and last ones of a first and of a later prompt, which change when it grows.
 * @internal
 */
export const BLOCK_KINDS = 9;
/** Aspects of a block that are counted apart within its kind. @internal */
export const ASPECTS = 5;
/** Values of one aspect, at most. @internal */
export const ASPECT_VALUES = 100;

/** A block as it is counted: its kind, and a value for each aspect that tells something about this kind. @internal */
export interface BlockLook {
  readonly kind: number;
  readonly aspects: readonly number[];
}

/** A block that so many different blocks followed is a shared head, no conversation. */
const HEAD_CHILDREN = 3;
const SIZES = 10;

/** Looks at a request as a whole. @internal */
export function stateOfRequest(
  chain: readonly PrefixBlock[],
  known: readonly (SeenBlock | undefined)[],
  request: { readonly liveDepth: number; readonly atMs: number; readonly ttlMs: number },
  nearLengthOf: (tokens: number) => number,
): RequestState {
  const unseen = known.indexOf(undefined);
  const seenDepth = unseen < 0 ? known.length : unseen;
  let tokens = 0;
  let seenTokens = 0;
  chain.forEach((block, depth) => {
    tokens += block.tokens;
    if (depth < seenDepth) seenTokens += block.tokens;
  });
  const blocks = chain.length;
  const last = known[seenDepth - 1];
  const isFirst = last === undefined || last.children >= HEAD_CHILDREN;
  const shared = { tokens, blocks, liveDepth: request.liveDepth, isFirst };
  if (isFirst) {
    const size = sizeStep(tokens, 512);
    return {
      ...shared,
      turn: 0,
      lives: 0,
      nearLength: nearLengthOf(tokens),
      tail: size,
      overlap: 0,
      pace: 0,
      growth: 0,
    };
  }
  const before = last.request;
  const turn = before.turn + 1;
  const lives = before.lives + Math.max(0, request.atMs - last.lastMs) / request.ttlMs;
  const cut = Math.min(2, before.blocks - seenDepth);
  return {
    ...shared,
    turn,
    lives,
    nearLength: 0,
    tail: sizeStep(tokens - seenTokens, 256) * 3 + cut,
    overlap: Math.min(4, Math.floor((5 * seenTokens) / Math.max(1, tokens))) * 3 + cut,
    pace: Math.min(7, Math.floor((4 * lives) / turn)) * 5 + Math.min(4, turn - 1),
    growth: tokens < before.tokens ? 0 : 1 + sizeStep(tokens - before.tokens, 64),
  };
}

/** What a block looks like before the request is sent. @param tokensAfter - of the request behind it. @internal */
export function lookOf(
  request: RequestState,
  block: SeenBlock | undefined,
  depth: number,
  tokensAfter: number,
  livesAgo: number,
): BlockLook {
  const { isFirst, tail, overlap, pace, growth, nearLength } = request;
  const after = sizeStep(tokensAfter, 256);
  if (block === undefined) {
    if (depth === request.blocks - 1) return { kind: isFirst ? 7 : 8, aspects: [tail] };
    if (isFirst) return { kind: 0, aspects: [tail * SIZES + after, nearLength] };
    return { kind: 1, aspects: [tail, overlap, pace, growth, after] };
  }
  const isLive = depth < request.liveDepth;
  const kind = isLive ? 2 + Math.min(2, block.reused) : 5 + Math.min(1, block.reused);
  const age = isLive ? Math.floor(livesAgo * 5) : Math.floor(Math.min(6, livesAgo) * 2);
  return { kind, aspects: [tail, overlap, pace, growth, Math.max(0, age)] };
}

/** Powers of two of a size. */
function sizeStep(tokens: number, unit: number): number {
  return Math.max(0, Math.min(SIZES - 1, Math.floor(Math.log2(Math.max(0, tokens) / unit + 1))));
}
