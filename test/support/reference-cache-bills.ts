import type { CacheRatios } from '../../src/core/prefix/prefix-block.ts';
import { RecurrencePlanner, type RecurrencePlan } from '../../src/core/prefix/recurrence-planner.ts';
import type { TracedCall } from './cache-traces.ts';

/** Input bills in tokens of uncached input, worked out apart from the planner. @internal */
export interface ReferenceBills {
  readonly uncached: number;
  readonly always: number;
  /** Of one that knows the future: writes exactly what comes again in time. */
  readonly oracle: number;
  readonly planned: number;
}

/** Sends a trace to a model of a provider's cache that knows nothing of the planner's state. @internal */
export function referenceBills(
  calls: readonly TracedCall[],
  ratios: CacheRatios,
  ttlMs: number,
  planOf: (call: TracedCall) => RecurrencePlan,
): ReferenceBills {
  const { writeRatio, readRatio } = ratios;
  const arrivals = new Map<string, number[]>();
  for (const { atMs, chain } of calls) {
    for (const { key } of chain) {
      const times = arrivals.get(key);
      if (times === undefined) arrivals.set(key, [atMs]);
      else times.push(atMs);
    }
  }
  const seen = new Map<string, number>();
  const cachedUntilMs = new Map<string, number>();
  const bills = { uncached: 0, always: 0, oracle: 0, planned: 0 };
  for (const call of calls) {
    const { atMs, chain } = call;
    const { writeDepth } = planOf(call);
    let isCached = true;
    chain.forEach(({ key, tokens }, depth) => {
      const times = arrivals.get(key) ?? [];
      const index = seen.get(key) ?? 0;
      const isWarm = index > 0 && atMs - (times[index - 1] ?? 0) <= ttlMs;
      const comesAgain = index + 1 < times.length && (times[index + 1] ?? 0) - atMs <= ttlMs;
      seen.set(key, index + 1);
      isCached = isCached && (cachedUntilMs.get(key) ?? -1) >= atMs;
      bills.uncached += tokens;
      bills.always += tokens * (isWarm ? readRatio : writeRatio);
      bills.oracle += tokens * (isWarm ? readRatio : comesAgain ? writeRatio : 1);
      bills.planned += tokens * (isCached ? readRatio : depth < writeDepth ? writeRatio : 1);
      if (isCached || depth < writeDepth) cachedUntilMs.set(key, atMs + ttlMs);
    });
  }
  return bills;
}

/** The bills of a fresh planner. @internal */
export function plannedBills(calls: readonly TracedCall[], ratios: CacheRatios, ttlMs = 300_000): ReferenceBills {
  const planner = new RecurrencePlanner({ ...ratios, ttlMs });
  return referenceBills(calls, ratios, ttlMs, ({ chain, atMs }) => planner.plan(chain, atMs));
}

/** By how much the planner was above the better of never and always, as a share of the uncached bill. @internal */
export function excessRatio({ uncached, always, planned }: ReferenceBills): number {
  return uncached === 0 ? 0 : (planned - Math.min(always, uncached)) / uncached;
}
