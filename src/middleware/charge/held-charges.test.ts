import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nanoUsd, ZERO_USD } from '../../core/money.ts';
import { sampleCharge } from '../../testing/sample-ledger-rows.ts';
import { heldCharges, heldDifference } from './held-charges.ts';

const COST = sampleCharge({ callId: 'call_1', chargeId: 'call_1.1.2', certainty: 'exact' });

test('what was held pays first, and both rows together are what the attempt cost', () => {
  const amount = fc.nat({ max: 1_000_000 }).map(nanoUsd);
  fc.assert(
    fc.property(amount, amount, (amountNanoUsd, heldNanoUsd) => {
      const { held, own } = heldCharges({ ...COST, amountNanoUsd }, heldNanoUsd);
      const paid = held?.amountNanoUsd ?? Number.NaN;
      expect(paid).toBeLessThanOrEqual(heldNanoUsd);
      expect(paid + (own(true).amountNanoUsd ?? Number.NaN)).toBe(amountNanoUsd);
      // The row of before is corrected by the difference: in the sum only what was paid is left of it.
      expect(heldNanoUsd + (heldDifference(held ?? COST, heldNanoUsd) ?? Number.NaN)).toBe(paid);
    }),
  );
});

test('an attempt that cost nothing leaves what is held, and ends its intent', () => {
  const nothing = { ...COST, certainty: 'none', amountNanoUsd: ZERO_USD } as const;
  const { held, own } = heldCharges(nothing, nanoUsd(500));
  expect(held).toBeUndefined();
  expect(own(true)).toBe(nothing);
});

test('where somebody else has settled what was held, all of the cost is counted', () => {
  const charge = { ...COST, amountNanoUsd: nanoUsd(300) };
  expect(heldCharges(charge, nanoUsd(500)).own(false)).toEqual(charge);
});

test('a cost that has no price is told as such by the row that held the money', () => {
  const { held, own } = heldCharges({ ...COST, certainty: 'unpriced', amountNanoUsd: undefined }, nanoUsd(500));
  expect(held).toMatchObject({ chargeId: 'call_1.1', certainty: 'unpriced', amountNanoUsd: undefined });
  expect(own(true)).toMatchObject({ certainty: 'none', amountNanoUsd: 0 });
});
