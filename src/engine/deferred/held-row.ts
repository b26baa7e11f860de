import { type Charge, DEFERRED, OWNER_DIED } from '../../core/model/charge.ts';
import { heldAttemptPrefix, heldChargeId } from '../../middleware/charge/held-charges.ts';
import type { LedgerReader } from '../../ports/ledger.ts';

/** What the ledger says of the money that is held for a deferred call. @internal */
export interface HeldRow {
  /** Whether it is held as it was when the call was taken: no attempt has spent it, and none may have. */
  readonly isWhole: boolean;
  /** All rows of the call. */
  readonly charges: readonly Charge[];
}

/**
 * Looks up what is held for a deferred call that has been asked live. An attempt on the strength of it that was under way when its process died, or still is, may have spent it: the row then
 * stays as what that attempt may have cost.
 * @internal
 */
export async function heldRow(reader: Pick<LedgerReader, 'charges' | 'openIntents'>, callId: string): Promise<HeldRow> {
  const heldId = heldChargeId(callId);
  const prefix = heldAttemptPrefix(callId);
  // Before the rows: what is charged in between is found among these.
  const intents = await reader.openIntents();
  const isUnderWay = intents.some(({ chargeId }) => chargeId.startsWith(prefix));
  const charges: Charge[] = [];
  for await (const charge of reader.charges({ callId })) charges.push(charge);
  const corrected = new Set(charges.flatMap(({ corrects }) => corrects ?? []));
  const stands = (outcome: string, isMeant: (chargeId: string) => boolean): boolean =>
    charges.some((each) => each.outcome === outcome && isMeant(each.chargeId) && !corrected.has(each.chargeId));
  const isHeld = stands(DEFERRED, (chargeId) => chargeId === heldId);
  const isInDoubt = isUnderWay || stands(OWNER_DIED, (chargeId) => chargeId.startsWith(prefix));
  return { isWhole: isHeld && !isInDoubt, charges };
}
