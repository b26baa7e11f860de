import type { CacheRatios, PrefixBlock } from './prefix-block.ts';

/** A prompt with how likely each of its blocks is used again, and what that is worth. @internal */
export interface LikelyReuse extends CacheRatios {
  readonly chain: readonly PrefixBlock[];
  readonly reuseRatios: readonly number[];
}

/** What a write of a part of a prompt is expected to be worth, in tokens of uncached input. @internal */
export function writeWorth(likely: LikelyReuse, from: number, until: number): number {
  let worth = 0;
  for (let depth = from; depth < until; depth += 1) worth += blockWorth(likely, depth);
  return worth;
}

/** Where the expected worth of writing up to there is highest. @internal */
export function worthwhileDepth(likely: LikelyReuse, from: number): number {
  let best = from;
  let bestWorth = 0;
  let worth = 0;
  for (let depth = from; depth < likely.chain.length; depth += 1) {
    worth += blockWorth(likely, depth);
    if (worth < bestWorth || (worth === 0 && likely.writeRatio > 1)) continue;
    bestWorth = worth;
    best = depth + 1;
  }
  return best;
}

/** A block that comes again unwritten would be written then: it is the write that moves, and the read that is won. */
function blockWorth({ chain, reuseRatios, writeRatio, readRatio }: LikelyReuse, depth: number): number {
  const gainRatio = (reuseRatios[depth] ?? 0) * (writeRatio - readRatio) - (writeRatio - 1);
  return (chain[depth]?.tokens ?? 0) * gainRatio;
}
