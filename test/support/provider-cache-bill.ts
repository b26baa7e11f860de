import { cachePlan } from '../../src/core/prefix/cache-plan.ts';
import type { CacheRatios, PrefixBlock } from '../../src/core/prefix/prefix-block.ts';
import { RecurrencePlanner } from '../../src/core/prefix/recurrence-planner.ts';
import type { TracedCall } from './cache-traces.ts';

/** How far before a breakpoint Anthropic looks for what is cached. */
const LOOK_BACK_BLOCKS = 20;

/**
 * The bill of a trace, as a share of uncached, with breakpoints as they are sent and under the provider's own rules: a prefix is cached only up to
 * borders that were breakpoints, and found only within the look-back of a breakpoint of the request that asks.
 * @param minimumTokens - shorter prefixes are not cached: 512 to 4096 by model.
 * @internal
 */
export function providerBillRatio(
  calls: readonly TracedCall[],
  ratios: CacheRatios,
  minimumTokens: number,
  ttlMs = 300_000,
): number {
  const planner = new RecurrencePlanner({ ...ratios, ttlMs });
  const cachedUntilMs = new Map<string, number>();
  let uncached = 0;
  let paid = 0;
  for (const { chain, atMs } of calls) {
    const plan = planner.plan(chain, atMs, minimumTokens);
    const placed = cachePlan({
      chain,
      plan,
      sectionDepths: [],
      minimumTokens,
      lookBackBlocks: LOOK_BACK_BLOCKS,
      headLife: '5m',
      tailLife: '5m',
    });
    const breakpoints = placed.map(({ depth }) => depth);
    const isCached = (depth: number): boolean => (cachedUntilMs.get(chain[depth - 1]?.key ?? '') ?? -1) >= atMs;
    const readDepth = Math.max(0, ...breakpoints.map((depth) => foundDepth(depth, isCached)));
    const writeDepth = Math.max(readDepth, ...breakpoints);
    for (const depth of [readDepth, ...breakpoints]) {
      const key = chain[depth - 1]?.key;
      if (key !== undefined) cachedUntilMs.set(key, atMs + ttlMs);
    }
    const [total, read, written] = [chain.length, readDepth, writeDepth].map((depth) => tokensUntil(chain, depth));
    uncached += total ?? 0;
    paid += (total ?? 0) + (ratios.readRatio - 1) * (read ?? 0);
    paid += (ratios.writeRatio - 1) * ((written ?? 0) - (read ?? 0));
    planner.placed(chain, [readDepth, ...breakpoints], atMs);
    planner.correct(chain, written ?? 0);
  }
  return paid / uncached;
}

function foundDepth(breakpoint: number, isCached: (depth: number) => boolean): number {
  for (let depth = breakpoint; depth > Math.max(0, breakpoint - LOOK_BACK_BLOCKS); depth -= 1) {
    if (isCached(depth)) return depth;
  }
  return 0;
}

function tokensUntil(chain: readonly PrefixBlock[], depth: number): number {
  return chain.slice(0, depth).reduce((sum, { tokens }) => sum + tokens, 0);
}
