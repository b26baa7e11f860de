import type { Charge } from '../../core/model/charge.ts';
import { addUsage } from '../../core/model/usage.ts';
import { nanoUsd } from '../../core/money.ts';
import { settledCertainty } from '../../core/report.ts';

/**
 * The charges of a ledger with their corrections in them: what was held for a call that is answered later is gone when what it cost is known.
 * @internal
 */
export function settledCharges(charges: readonly Charge[]): readonly Charge[] {
  const corrections = new Map<string, Charge>();
  for (const charge of charges) {
    if (charge.corrects === undefined) continue;
    const before = corrections.get(charge.corrects);
    corrections.set(charge.corrects, before === undefined ? charge : corrected(before, charge));
  }
  return charges
    .filter(({ corrects }) => corrects === undefined)
    .map((charge) => {
      const correction = corrections.get(charge.chargeId);
      return correction === undefined ? charge : corrected(charge, correction);
    });
}

/** A correction's amount is a difference; all else that it says is the truth. */
function corrected(first: Charge, correction: Charge): Charge {
  return {
    ...correction,
    chargeId: first.chargeId,
    corrects: undefined,
    usage: addUsage(first.usage, correction.usage),
    certainty: settledCertainty(first.certainty, correction.certainty),
    amountNanoUsd: nanoUsd((first.amountNanoUsd ?? 0) + (correction.amountNanoUsd ?? 0)),
  };
}
