import { inputTokensOf, outputTokensOf } from './model/usage.ts';
import type { CallRecord, Charge, ChargeCertainty } from './model/charge.ts';
import type { Tags } from './model/caller.ts';

/** What a report groups by. `tag:<name>` groups by the value of one tag; days are those of UTC. @public */
export type ReportDimension = 'day' | 'model' | 'project' | 'key' | `tag:${string}`;

/** One line of a report. Amounts in nano-dollars. @public */
export interface ReportRow {
  readonly group: string;
  readonly calls: number;
  /** Calls answered without an attempt of their own: from the cache, fresh or stale, or sharing another call's. */
  readonly hits: number;
  /** Tokens that were charged for, so those of cache hits are not among them. */
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
  /** Sum of all priced charges, estimates included. */
  readonly costNanoUsd: bigint;
  /** The part of the cost that is estimated. */
  readonly estimatedNanoUsd: bigint;
  /** Over the calls whose saving is known, so that `baseline - saved` is what those calls cost. */
  readonly baselineNanoUsd: bigint;
  readonly savedNanoUsd: bigint;
  /** Charges whose amount is unknown because the model has no price. */
  readonly unpricedCharges: number;
  /** "Repeats not served because of mode". */
  readonly missedByModeNanoUsd: bigint;
}

/** What both kinds of ledger row are grouped by. @internal */
interface RowFacts {
  readonly atMs: number;
  readonly project: string;
  readonly keyId: string;
  readonly tags: Tags;
  /** `provider/model`; for a call that nothing answered the model as it was asked for. */
  readonly model: string;
}

/** What a report needs to know of a charge. @internal */
export interface ChargeFacts extends RowFacts {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** As it stands now: that of the latest correction where there is one, see {@link settledCertainty}. */
  readonly certainty: ChargeCertainty;
  readonly amountNanoUsd: number | undefined;
}

/** What a report needs to know of a call. @internal */
export interface CallFacts extends RowFacts {
  readonly isHit: boolean;
  readonly baselineNanoUsd: number | undefined;
  readonly savedNanoUsd: number | undefined;
  readonly missedByModeNanoUsd: number | undefined;
}

/** The group of rows that carry no such tag. */
const NO_TAG = '(none)';

/** Reads what a report groups by from text; undefined when it is none of them. @internal */
export function parseReportDimension(text: string): ReportDimension | undefined {
  if (text === 'day' || text === 'model' || text === 'project' || text === 'key') return text;
  return text.startsWith('tag:') && text.length > 'tag:'.length ? `tag:${text.slice('tag:'.length)}` : undefined;
}

/**
 * How sure a charge is once its corrections are known: a corrected estimate is no estimate any more. A correction that
 * could not be priced itself leaves the charge as it was.
 * @internal
 */
export function settledCertainty(own: ChargeCertainty, correction: ChargeCertainty | undefined): ChargeCertainty {
  return correction === undefined || correction === 'unpriced' ? own : correction;
}

/** Whether a call was answered without an attempt of its own. */
function isHit(record: Pick<CallRecord, 'cacheStatus'>): boolean {
  return record.cacheStatus === 'hit' || record.cacheStatus === 'stale' || record.cacheStatus === 'collapsed';
}

/** Takes from a charge what a report needs. @internal */
export function chargeFacts(charge: Charge, correction: ChargeCertainty | undefined): ChargeFacts {
  return {
    atMs: charge.atMs,
    project: charge.project,
    keyId: charge.keyId,
    tags: charge.tags,
    model: charge.target,
    inputTokens: inputTokensOf(charge.usage),
    outputTokens: outputTokensOf(charge.usage),
    certainty: settledCertainty(charge.certainty, correction),
    amountNanoUsd: charge.amountNanoUsd,
  };
}

/** Takes from a call's record what a report needs. @internal */
export function callFacts(record: CallRecord): CallFacts {
  return {
    atMs: record.atMs,
    project: record.project,
    keyId: record.keyId,
    tags: record.tags,
    model: record.target ?? record.modelAsked,
    isHit: isHit(record),
    baselineNanoUsd: record.baselineNanoUsd,
    savedNanoUsd: record.savedNanoUsd,
    missedByModeNanoUsd: record.missedByMode?.nanoUsd,
  };
}

type Sums = { -readonly [Field in keyof ReportRow]: ReportRow[Field] };

function emptySums(group: string): Sums {
  return {
    group,
    calls: 0,
    hits: 0,
    inputTokens: 0n,
    outputTokens: 0n,
    costNanoUsd: 0n,
    estimatedNanoUsd: 0n,
    baselineNanoUsd: 0n,
    savedNanoUsd: 0n,
    unpricedCharges: 0,
    missedByModeNanoUsd: 0n,
  };
}

function groupOf(by: ReportDimension, row: RowFacts): string {
  switch (by) {
    case 'day':
      return new Date(row.atMs).toISOString().slice(0, 10);
    case 'model':
      return row.model;
    case 'project':
      return row.project;
    case 'key':
      return row.keyId;
    default: {
      const name = by.slice('tag:'.length);
      return Object.hasOwn(row.tags, name) ? (row.tags[name] ?? NO_TAG) : NO_TAG;
    }
  }
}

/** Adds up ledger rows, one at a time, in any order. Costs come from charges, counts and savings from calls. @internal */
export class ReportBuilder {
  readonly #by: ReportDimension;
  readonly #sums = new Map<string, Sums>();

  constructor(by: ReportDimension) {
    this.#by = by;
  }

  #sumsOf(row: RowFacts): Sums {
    const group = groupOf(this.#by, row);
    const known = this.#sums.get(group);
    if (known !== undefined) return known;
    const sums = emptySums(group);
    this.#sums.set(group, sums);
    return sums;
  }

  addCharge(charge: ChargeFacts): void {
    const sums = this.#sumsOf(charge);
    sums.inputTokens += BigInt(charge.inputTokens);
    sums.outputTokens += BigInt(charge.outputTokens);
    if (charge.certainty === 'unpriced') sums.unpricedCharges += 1;
    if (charge.amountNanoUsd === undefined) return;
    const amount = BigInt(charge.amountNanoUsd);
    sums.costNanoUsd += amount;
    if (charge.certainty === 'estimate') sums.estimatedNanoUsd += amount;
  }

  addCall(call: CallFacts): void {
    const sums = this.#sumsOf(call);
    sums.calls += 1;
    if (call.isHit) sums.hits += 1;
    sums.missedByModeNanoUsd += BigInt(call.missedByModeNanoUsd ?? 0);
    if (call.baselineNanoUsd === undefined || call.savedNanoUsd === undefined) return;
    sums.baselineNanoUsd += BigInt(call.baselineNanoUsd);
    sums.savedNanoUsd += BigInt(call.savedNanoUsd);
  }

  /** The lines: days in order, everything else by cost, the dearest first. */
  rows(): readonly ReportRow[] {
    const byName = (left: ReportRow, right: ReportRow): number => (left.group < right.group ? -1 : 1);
    const byCost = (left: ReportRow, right: ReportRow): number => {
      if (left.costNanoUsd === right.costNanoUsd) return byName(left, right);
      return left.costNanoUsd > right.costNanoUsd ? -1 : 1;
    };
    return [...this.#sums.values()].toSorted(this.#by === 'day' ? byName : byCost);
  }
}

/** The sum of all lines of a report. @internal */
export function totalRow(rows: readonly ReportRow[], group: string): ReportRow {
  const total = emptySums(group);
  for (const row of rows) {
    total.calls += row.calls;
    total.hits += row.hits;
    total.inputTokens += row.inputTokens;
    total.outputTokens += row.outputTokens;
    total.costNanoUsd += row.costNanoUsd;
    total.estimatedNanoUsd += row.estimatedNanoUsd;
    total.baselineNanoUsd += row.baselineNanoUsd;
    total.savedNanoUsd += row.savedNanoUsd;
    total.unpricedCharges += row.unpricedCharges;
    total.missedByModeNanoUsd += row.missedByModeNanoUsd;
  }
  return total;
}
