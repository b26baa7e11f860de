/** Shapes that a block may come in; the first number of a class. */
const BLOCK_STATES = 7;
/** Sizes of what a request adds, by powers of two. */
export const TAIL_SIZES = 8;
/** Finer cases within a state: for what is new how far from the end, for what was seen how long ago. */
export const BLOCK_CASES = 8;

/** What a block looks like: where in three nested groups it is counted. @internal */
export interface BlockClass {
  readonly state: number;
  readonly tailSize: number;
  readonly blockCase: number;
}

/** What was learnt of reuse, as plain data: it holds no keys and no text, and survives a restart. @public */
export interface RecurrenceSummary {
  readonly version: 1;
  /** By group: what was used again, in average requests. */
  readonly reused: readonly number[];
  /** By group: what was seen to its end, in average requests. */
  readonly seen: readonly number[];
}

/** So many average requests say as much as the wider group: enough that two chance repeats do not turn a group. */
const PRIOR_REQUESTS = 3;
/**
 * What is believed by state before anything was seen: what is new comes again one time in five, what came again before does so about as
 * often as not, the more often the surer.
 */
const PRIOR_REUSE: readonly number[] = [0.2, 0.2, 0.4, 0.5, 0.7, 0.2, 0.4];
/** Older counts fade when a group has more, so that a change of traffic is learnt within some hundred requests. */
const MOST_REQUESTS = 400;

const CASES = BLOCK_STATES * TAIL_SIZES * BLOCK_CASES;
const SIZES_AT = CASES;
const STATES_AT = SIZES_AT + BLOCK_STATES * TAIL_SIZES;
const GROUPS = STATES_AT + BLOCK_STATES;

/** The number of a class's finest group. @internal */
export function classIndex({ state, tailSize, blockCase }: BlockClass): number {
  return (state * TAIL_SIZES + tailSize) * BLOCK_CASES + blockCase;
}

/**
 * How often blocks of a kind are used again within the provider's time, in discounted counts over three nested groups: what is rare leans on what
 * is common.
 * @internal
 */
export class RecurrenceCounts {
  readonly #reused = new Float64Array(GROUPS);
  readonly #seen = new Float64Array(GROUPS);

  /** How likely a block of this class is used again, 0..1. */
  reuseRatio(index: number): number {
    const size = Math.floor(index / BLOCK_CASES);
    const state = Math.floor(size / TAIL_SIZES);
    const ofState = this.#ratio(STATES_AT + state, PRIOR_REUSE[state] ?? 0);
    return this.#ratio(index, this.#ratio(SIZES_AT + size, ofState));
  }

  /** Counts blocks that could have come again so far. @param weight - in average requests, times the share of reuse that comes so soon. */
  observeChance(index: number, weight: number): void {
    this.#add(this.#seen, index, weight);
  }

  /** Counts blocks that came again within their life. */
  observeReuse(index: number, weight: number): void {
    this.#add(this.#reused, index, weight);
  }

  summary(): RecurrenceSummary {
    return { version: 1, reused: [...this.#reused], seen: [...this.#seen] };
  }

  /** Takes up what an earlier process learnt; anything that does not fit is left aside whole. */
  restore(summary: RecurrenceSummary): boolean {
    const { reused, seen } = summary;
    if (summary.version !== 1 || reused.length !== GROUPS || seen.length !== GROUPS) return false;
    const isSound = seen.every((count, group) => {
      const hits = reused[group];
      return hits !== undefined && hits >= 0 && hits < Infinity && count >= 0 && count <= MOST_REQUESTS;
    });
    if (!isSound) return false;
    this.#reused.set(reused);
    this.#seen.set(seen);
    return true;
  }

  #ratio(group: number, prior: number): number {
    const ratio = ((this.#reused[group] ?? 0) + PRIOR_REQUESTS * prior) / ((this.#seen[group] ?? 0) + PRIOR_REQUESTS);
    return Math.min(1, ratio);
  }

  #add(counts: Float64Array, index: number, weight: number): void {
    const size = Math.floor(index / BLOCK_CASES);
    for (const group of [index, SIZES_AT + size, STATES_AT + Math.floor(size / TAIL_SIZES)]) {
      counts[group] = (counts[group] ?? 0) + weight;
      const seen = this.#seen[group] ?? 0;
      if (seen <= MOST_REQUESTS) continue;
      this.#seen[group] = MOST_REQUESTS;
      this.#reused[group] = ((this.#reused[group] ?? 0) * MOST_REQUESTS) / seen;
    }
  }
}
