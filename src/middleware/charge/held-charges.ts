import type { Charge } from '../../core/model/charge.ts';
import { BATCH_ATTEMPT } from '../../core/model/deferred-call.ts';
import { NO_USAGE } from '../../core/model/usage.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../core/money.ts';

/** The id of the row that holds the money of a deferred call. @internal */
export function heldChargeId(callId: string): string {
  return `${callId}.${BATCH_ATTEMPT}`;
}

/** Ids of attempts that are made on the strength of that row begin so: what died of them may have spent it. @internal */
export function heldAttemptPrefix(callId: string): string {
  return `${heldChargeId(callId)}.`;
}

/** What an attempt on the strength of held money is charged as. @internal */
export interface HeldCharges {
  /** Corrects the row that holds the money. Undefined: the attempt cost nothing, and the row stays. */
  readonly held: Charge | undefined;
  /** The attempt's own row, which ends its intent: what it cost beyond what was held, or all where somebody else has settled what was held. */
  readonly own: (hasReplacedHeld: boolean) => Charge;
}

/**
 * Splits the charge of an attempt that was made on the strength of held money: what was held pays first, in the window in which it was held.
 * The row that holds it must be corrected before the attempt's own row is written: whoever follows a process that died in between then takes the money for spent.
 * @internal
 */
export function heldCharges(charge: Charge, heldNanoUsd: NanoUsd): HeldCharges {
  if (charge.certainty === 'none') return { held: undefined, own: () => charge };
  const { amountNanoUsd } = charge;
  const paid = amountNanoUsd === undefined ? undefined : nanoUsd(Math.min(amountNanoUsd, heldNanoUsd));
  const beyond = nanoUsd((amountNanoUsd ?? 0) - (paid ?? 0));
  return {
    held: { ...charge, chargeId: heldChargeId(charge.callId), amountNanoUsd: paid },
    own(hasReplacedHeld) {
      if (!hasReplacedHeld) return charge;
      if (beyond > 0) return { ...charge, usage: NO_USAGE, amountNanoUsd: beyond };
      return { ...charge, usage: NO_USAGE, certainty: 'none', amountNanoUsd: ZERO_USD, priceEntry: undefined };
    },
  };
}

/** What the correction of the held row adds to every sum. @internal */
export function heldDifference({ amountNanoUsd }: Charge, heldNanoUsd: NanoUsd): NanoUsd | undefined {
  return amountNanoUsd === undefined ? undefined : nanoUsd(amountNanoUsd - heldNanoUsd);
}
