import type { CallRecord } from '../model/charge.ts';
import { type NanoUsd, nanoUsd } from '../money.ts';

/** What a call cost beside its answer: a batch that came too late, or a live call that came to nothing. @public */
export interface OtherCost {
  /** Undefined: the other attempt has no price. */
  readonly amountNanoUsd: NanoUsd | undefined;
  readonly isEstimate: boolean;
}

/**
 * The record of a call that was charged twice: once for its answer, once for an attempt that did not become it. That is what its retries lost; of a call without an
 * answer it is its own baseline, since it saved nothing.
 * @public
 */
export function withOtherCost(record: CallRecord, { amountNanoUsd, isEstimate }: OtherCost): CallRecord {
  const { costNanoUsd, baselineNanoUsd, savedNanoUsd, savedParts } = record;
  if (amountNanoUsd === undefined || costNanoUsd === undefined) {
    return { ...record, costNanoUsd: undefined, savedNanoUsd: undefined, savedParts: undefined };
  }
  const summed = {
    ...record,
    costNanoUsd: nanoUsd(costNanoUsd + amountNanoUsd),
    isEstimate: record.isEstimate || isEstimate,
  };
  if (record.target === undefined) {
    return {
      ...summed,
      baselineNanoUsd: baselineNanoUsd === undefined ? undefined : nanoUsd(baselineNanoUsd + amountNanoUsd),
    };
  }
  return {
    ...summed,
    savedNanoUsd: savedNanoUsd === undefined ? undefined : nanoUsd(savedNanoUsd - amountNanoUsd),
    savedParts: savedParts && { ...savedParts, retries: nanoUsd(savedParts.retries - amountNanoUsd) },
  };
}
