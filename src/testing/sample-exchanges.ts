import type { BucketAmounts, ExchangeRequest } from '../core/budget/account-state.ts';
import { nanoUsd, ZERO_USD } from '../core/money.ts';
import type { Random } from '../ports/clock.ts';

/** One step of a run on one account. @public */
export type SampleAction =
  | { readonly kind: 'exchange'; readonly request: ExchangeRequest }
  | { readonly kind: 'fold'; readonly ownerId: string; readonly totals: BucketAmounts; readonly nowMs: number };

/** An exchange for tests: owner `a`, the first, hard, of a budget of 1,000 in which nothing was spent. @public */
export function sampleExchange(changes: Partial<ExchangeRequest> = {}): ExchangeRequest {
  return {
    ownerId: 'a',
    sequence: 1,
    acknowledgedSequence: 0,
    nowMs: 1_000_000,
    floorBucket: 5,
    latestFloorBucket: 5,
    bucket: 5,
    limitNanoUsd: nanoUsd(1000),
    isHard: true,
    alertAtRatios: [],
    settled: {},
    keepNanoUsd: ZERO_USD,
    neededNanoUsd: ZERO_USD,
    wishNanoUsd: ZERO_USD,
    ...changes,
  };
}

const OWNERS = ['a', 'b', 'c', 'd:{1}'];
const ALERT_RATIOS = [0.1, 0.5, 0.8, 1 / 3, 1];

/**
 * A run of exchanges and folds as owners and their undertakers make them, answers that got lost, exchanges that come late, stores that forgot,
 * clocks that go back, windows that move on and amounts that are corrected downwards among them.
 * @public
 */
export function sampleExchanges(random: Random, count: number): readonly SampleAction[] {
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  const sequences = new Map<string, number>();
  const settled = new Map<string, Record<string, number>>();
  let bucket = 100;
  let nowMs = 1_000_000;
  return Array.from({ length: count }, (): SampleAction => {
    const ownerId = OWNERS[below(OWNERS.length)] ?? 'a';
    nowMs += below(4000) - 800;
    if (below(10) === 0) bucket += below(4) - 1;
    const spent = settled.get(ownerId) ?? {};
    if (below(40) === 0) {
      if (below(3) > 0) sequences.delete(ownerId);
      return {
        kind: 'fold',
        ownerId: `${ownerId}${below(2)}`,
        totals: amountsOf(spent),
        nowMs: nowMs + below(2) * 8e8,
      };
    }
    if (below(2) === 0) spent[bucket - below(3)] = below(400) - 60;
    settled.set(ownerId, spent);
    const sequence = (sequences.get(ownerId) ?? 0) + (below(12) === 0 ? -below(3) : 1 + below(2));
    const isForgotten = below(60) === 0;
    const acknowledgedSequence = isForgotten ? sequence + below(2) : Math.max(0, sequence - 1 - below(4));
    sequences.set(ownerId, Math.max(sequence, sequences.get(ownerId) ?? 0));
    const request = sampleExchange({
      ownerId: below(30) === 0 ? `${ownerId}0` : ownerId,
      sequence,
      acknowledgedSequence: acknowledgedSequence,
      nowMs,
      floorBucket: bucket - 4 - below(2),
      latestFloorBucket: bucket - 4 + below(3),
      bucket,
      limitNanoUsd: nanoUsd(1000 + below(3) * 500),
      isHard: below(8) > 0,
      alertAtRatios: ALERT_RATIOS.filter(() => below(2) === 0),
      settled: amountsOf(spent),
      keepNanoUsd: nanoUsd(below(150)),
      neededNanoUsd: nanoUsd(below(2) * below(400)),
      wishNanoUsd: nanoUsd(below(300)),
    });
    return { kind: 'exchange', request };
  });
}

function amountsOf(amounts: Readonly<Record<string, number>>): BucketAmounts {
  return Object.fromEntries(Object.entries(amounts).map(([bucket, amount]) => [bucket, nanoUsd(amount)]));
}
