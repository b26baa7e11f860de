import type { CallRecord } from '../core/model/charge.ts';
import { parseTarget } from '../core/model/target.ts';
import { NO_USAGE, USAGE_BUCKETS, type UsageBucket } from '../core/model/usage.ts';

/** Sums over calls that share their labels. Money in nano-dollars. @internal */
export interface CallTotals {
  readonly endpoint: string;
  /** `none` where no provider was reached. */
  readonly provider: string;
  readonly outcome: string;
  readonly cache: string;
  calls: number;
  costNanoUsd: number;
  baselineNanoUsd: number;
  savedNanoUsd: number;
  lostNanoUsd: number;
  missedByModeNanoUsd: number;
  /** Calls with an unpriced charge: their cost is in no sum. */
  unpricedCalls: number;
  readonly usage: Record<UsageBucket, number>;
}

const SUMMED_FIELDS = [
  'calls',
  'costNanoUsd',
  'baselineNanoUsd',
  'savedNanoUsd',
  'lostNanoUsd',
  'missedByModeNanoUsd',
  'unpricedCalls',
] as const satisfies readonly (keyof CallTotals)[];

/** Whether an answer was paid for or came from the cache (or from a call that was shared). @internal */
export function isFromCache(cache: string): boolean {
  return cache === 'hit' || cache === 'stale' || cache === 'collapsed';
}

/**
 * Adds calls up by endpoint, provider, outcome and cache status: one map look-up a call, so that a scrape and not a call pays for
 * turning sums into metrics. Every label has few values; models, keys, projects and tags are none.
 * @internal
 */
export class CallTotalsTable {
  readonly #rows = new Map<string, CallTotals>();

  add(record: CallRecord): void {
    const row = this.#row(record);
    row.calls += 1;
    row.costNanoUsd += record.costNanoUsd ?? 0;
    row.baselineNanoUsd += record.baselineNanoUsd ?? 0;
    const saved = record.savedNanoUsd ?? 0;
    if (saved >= 0) row.savedNanoUsd += saved;
    else row.lostNanoUsd -= saved;
    row.missedByModeNanoUsd += record.missedByMode?.nanoUsd ?? 0;
    if (record.costNanoUsd === undefined) row.unpricedCalls += 1;
    for (const bucket of USAGE_BUCKETS) {
      const count = record.usage[bucket];
      if (count > 0) row.usage[bucket] += count;
    }
  }

  /** Adds sums of another process. */
  addTotals(totals: CallTotals): void {
    const row = this.#rowOf(totals);
    for (const field of SUMMED_FIELDS) row[field] += totals[field];
    for (const bucket of USAGE_BUCKETS) row.usage[bucket] += totals.usage[bucket];
  }

  rows(): Iterable<CallTotals> {
    return this.#rows.values();
  }

  #row(record: CallRecord): CallTotals {
    const { endpoint, target, outcome, cacheStatus } = record;
    const provider = target === undefined ? 'none' : (parseTarget(target)?.provider ?? 'none');
    return this.#rowOf({ endpoint, provider, outcome, cache: cacheStatus });
  }

  #rowOf({
    endpoint,
    provider,
    outcome,
    cache,
  }: Pick<CallTotals, 'endpoint' | 'provider' | 'outcome' | 'cache'>): CallTotals {
    const id = `${endpoint} ${provider} ${outcome} ${cache}`;
    const known = this.#rows.get(id);
    if (known !== undefined) return known;
    const row: CallTotals = {
      endpoint,
      provider,
      outcome,
      cache,
      calls: 0,
      costNanoUsd: 0,
      baselineNanoUsd: 0,
      savedNanoUsd: 0,
      lostNanoUsd: 0,
      missedByModeNanoUsd: 0,
      unpricedCalls: 0,
      usage: { ...NO_USAGE },
    };
    this.#rows.set(id, row);
    return row;
  }
}

/** The sums of several processes as one. @internal */
export function sumOfTotals(processes: readonly Iterable<CallTotals>[]): readonly CallTotals[] {
  const table = new CallTotalsTable();
  for (const rows of processes) for (const row of rows) table.addTotals(row);
  return [...table.rows()];
}
