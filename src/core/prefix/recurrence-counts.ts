import { ASPECT_VALUES, ASPECTS, BLOCK_KINDS, type BlockLook } from './block-class.ts';

/** What was learnt of reuse, as plain data: it holds no keys and no text, and survives a restart. @public */
export interface RecurrenceSummary {
  readonly version: 2;
  /** By group, up to the last one that was seen: what was used again, in average requests. */
  readonly reused: readonly number[];
  /** By group: what was seen to its end, in average requests. */
  readonly seen: readonly number[];
}

/** A kind of block as it is counted, and what is believed of it now. @internal */
export interface BlockClass {
  /** Its groups: the kind, then the aspects. */
  readonly groups: readonly number[];
  /** How likely a block of it is used again, 0..1. */
  readonly reuseRatio: number;
}

/** So many average requests say as much as what was believed before: enough that two chance repeats do not turn a group. */
const PRIOR_REQUESTS = 4;
/**
 * What is believed by kind before anything was seen: what is new comes again one time in five, what came again before does so about as
 * often as not, the more often the surer; what ends a prompt hardly ever.
 */
const PRIOR_REUSE: readonly number[] = [0.2, 0.2, 0.5, 0.5, 0.7, 0.2, 0.4, 0.02, 0.02];
/** Older counts fade when a group has more, so that a change of traffic is learnt within some hundred requests. */
const MOST_REQUESTS = 400;
/** How much of what one aspect says by itself is believed: aspects say in part the same. */
const ASPECT_SHARE = 0.5;
/** Where there are but two, as with first prompts, they overlap less. */
const SHARE_OF_TWO = 0.8;

const GROUPS = BLOCK_KINDS + BLOCK_KINDS * ASPECTS * ASPECT_VALUES;

/**
 * How often blocks of a kind are used again within the provider's time, in discounted counts. What each aspect of a block says beside its kind
 * is added up as log-odds, so that few counts are enough for many combinations.
 * @internal
 */
export class RecurrenceCounts {
  readonly #reused = new Float64Array(GROUPS);
  readonly #seen = new Float64Array(GROUPS);

  /** Counts a block's look and tells how likely it is used again. */
  classOf({ kind, aspects }: BlockLook): BlockClass {
    const groups = [kind, ...aspects.map((value, aspect) => aspectGroup(kind, aspect, value))];
    const ofKind = this.#ratio(kind, PRIOR_REUSE[kind] ?? 0);
    const kindOdds = logOdds(ofKind);
    let odds = kindOdds;
    const share = aspects.length > 2 ? ASPECT_SHARE : SHARE_OF_TWO;
    for (const group of groups.slice(1)) odds += share * (logOdds(this.#ratio(group, ofKind)) - kindOdds);
    return { groups, reuseRatio: 1 / (1 + Math.exp(-odds)) };
  }

  /** Counts blocks that could have come again so far. @param weight - in average requests, times the share of reuse that comes so soon. */
  observeChance({ groups }: BlockClass, weight: number): void {
    this.#add(this.#seen, groups, weight);
  }

  /** Counts blocks that came again within their life. */
  observeReuse({ groups }: BlockClass, weight: number): void {
    this.#add(this.#reused, groups, weight);
  }

  summary(): RecurrenceSummary {
    const length = 1 + Math.max(this.#seen.findLastIndex(isCounted), this.#reused.findLastIndex(isCounted));
    return { version: 2, reused: [...this.#reused.subarray(0, length)], seen: [...this.#seen.subarray(0, length)] };
  }

  /** Takes up what an earlier process learnt; anything that does not fit is left aside whole. */
  restore(summary: RecurrenceSummary): boolean {
    if (!isSound(summary)) return false;
    this.#reused.fill(0);
    this.#seen.fill(0);
    this.#reused.set(summary.reused);
    this.#seen.set(summary.seen);
    return true;
  }

  #ratio(group: number, prior: number): number {
    const reused = (this.#reused[group] ?? 0) + PRIOR_REQUESTS * prior;
    const ratio = reused / ((this.#seen[group] ?? 0) + PRIOR_REQUESTS);
    return Math.max(0.002, Math.min(0.995, ratio));
  }

  #add(counts: Float64Array, groups: readonly number[], weight: number): void {
    for (const group of groups) {
      counts[group] = (counts[group] ?? 0) + weight;
      const seen = this.#seen[group] ?? 0;
      if (seen <= MOST_REQUESTS) continue;
      this.#seen[group] = MOST_REQUESTS;
      this.#reused[group] = ((this.#reused[group] ?? 0) * MOST_REQUESTS) / seen;
    }
  }
}

function aspectGroup(kind: number, aspect: number, value: number): number {
  return BLOCK_KINDS + (kind * ASPECTS + aspect) * ASPECT_VALUES + value;
}

function isCounted(count: number): boolean {
  return count > 0;
}

function isSound({ version, reused, seen }: RecurrenceSummary): boolean {
  if (version !== 2 || !Array.isArray(reused) || !Array.isArray(seen)) return false;
  if (reused.length !== seen.length || seen.length > GROUPS) return false;
  return seen.every((count, group) => {
    const hits = reused[group];
    return hits !== undefined && hits >= 0 && hits < Infinity && count >= 0 && count <= MOST_REQUESTS;
  });
}

function logOdds(ratio: number): number {
  return Math.log(ratio / (1 - ratio));
}
