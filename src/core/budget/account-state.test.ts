import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sampleExchange } from '../../testing/sample-exchanges.ts';
import { nanoUsd } from '../money.ts';
import {
  type AccountState,
  adjustAccount,
  type BucketAmounts,
  clearingAmounts,
  EMPTY_ACCOUNT,
  exchange,
  foldOwner,
  heldOf,
  usedOf,
} from './account-state.ts';

const LIMIT = 1000;
const OWNERS = ['a', 'b', 'c'] as const;

/** What one owner does next: spends from what it holds, asks for more, gives back. */
const step = fc.record({
  owner: fc.constantFrom(...OWNERS),
  spentRatio: fc.double({ min: 0, max: 1, noNaN: true }),
  keepRatio: fc.double({ min: 0, max: 1, noNaN: true }),
  needed: fc.nat(400),
  wish: fc.nat(400),
});

function amounts(entries: Readonly<Record<string, number>>): BucketAmounts {
  return Object.fromEntries(Object.entries(entries).map(([bucket, amount]) => [bucket, nanoUsd(amount)]));
}

test('owners that spend no more than they hold never bring used and held above the limit', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let state: AccountState = EMPTY_ACCOUNT;
      const spent: Record<string, number> = {};
      let sequence = 0;
      for (const { owner, spentRatio, keepRatio, needed, wish } of steps) {
        const held = state.owners[owner]?.heldNanoUsd ?? 0;
        const spending = Math.floor(held * spentRatio);
        spent[owner] = (spent[owner] ?? 0) + spending;
        const before = usedOf(state) + heldOf(state);
        const keep = Math.floor((held - spending) * keepRatio);
        const result = exchange(state, {
          ...sampleExchange(),
          ownerId: owner,
          sequence: (sequence += 1),
          settled: amounts({ 5: spent[owner] ?? 0 }),
          keepNanoUsd: nanoUsd(keep),
          neededNanoUsd: nanoUsd(needed),
          wishNanoUsd: nanoUsd(wish),
        });
        state = result.state;
        expect(usedOf(state) + heldOf(state)).toBeLessThanOrEqual(LIMIT);
        if (result.reply.kind !== 'held') throw new Error('every exchange here takes place');
        const { isGranted, heldNanoUsd } = result.reply;
        expect(heldNanoUsd).toBeGreaterThanOrEqual(keep + (isGranted ? needed : 0));
        // What is refused would not have fitted.
        if (!isGranted) expect(before - held + spending + keep + needed).toBeGreaterThan(LIMIT);
      }
      expect(usedOf(state)).toBe(Object.values(spent).reduce((sum, amount) => sum + amount, 0));
    }),
  );
});

test('a bill above what is held is counted in full, and nothing more is given', () => {
  const first = exchange(EMPTY_ACCOUNT, sampleExchange({ neededNanoUsd: nanoUsd(900) }));
  const overrun = sampleExchange({ sequence: 2, settled: amounts({ 5: 1400 }), neededNanoUsd: nanoUsd(1) });
  const second = exchange(first.state, overrun);
  expect(second.reply).toMatchObject({ isGranted: false, heldNanoUsd: 0, usedNanoUsd: 1400 });
});

test('a soft budget holds nothing and refuses nothing', () => {
  const request = sampleExchange({ isHard: false, settled: amounts({ 5: 5000 }), wishNanoUsd: nanoUsd(10) });
  expect(exchange(EMPTY_ACCOUNT, request).reply).toMatchObject({ isGranted: true, heldNanoUsd: 0, usedNanoUsd: 5000 });
});

describe('windows', () => {
  test('what was spent before the window does not count, and the window never goes back', () => {
    const old = exchange(EMPTY_ACCOUNT, sampleExchange({ settled: amounts({ 5: 700 }) }));
    const request = sampleExchange({ ownerId: 'b', floorBucket: 6, latestFloorBucket: 6, bucket: 6 });
    const next = exchange(old.state, { ...request, neededNanoUsd: nanoUsd(900) });
    expect(next.reply).toMatchObject({ isGranted: true, usedNanoUsd: 0 });
    const late = sampleExchange({ sequence: 2, acknowledgedSequence: 1, settled: amounts({ 5: 700 }) });
    expect(exchange(next.state, late).state.floorBucket).toBe(6);
  });

  test('an owner whose clock is behind is given nothing, and nobody is put under pressure for it', () => {
    const ahead = exchange(EMPTY_ACCOUNT, sampleExchange({ floorBucket: 6, latestFloorBucket: 6, bucket: 6 }));
    const behind = sampleExchange({ ownerId: 'b', neededNanoUsd: nanoUsd(10), wishNanoUsd: nanoUsd(10) });
    expect(exchange(ahead.state, behind).reply).toMatchObject({
      isGranted: false,
      heldNanoUsd: 0,
      isUnderPressure: false,
    });
  });

  test('an alert goes out once a window', () => {
    const alertAtRatios = [0.5, 0.8];
    const first = exchange(EMPTY_ACCOUNT, sampleExchange({ alertAtRatios, settled: amounts({ 5: 600 }) }));
    expect(first.reply).toMatchObject({ crossedRatios: [0.5] });
    const more = sampleExchange({ alertAtRatios, sequence: 2, settled: amounts({ 5: 900 }) });
    const second = exchange(first.state, more);
    expect(second.reply).toMatchObject({ crossedRatios: [0.8] });
    const next = {
      ...more,
      sequence: 3,
      settled: amounts({ 6: 500 }),
      floorBucket: 6,
      latestFloorBucket: 6,
      bucket: 6,
    };
    expect(exchange(second.state, next).reply).toMatchObject({ crossedRatios: [0.5] });
  });
});

test('a refusal asks all owners to give back, for a while', () => {
  const first = exchange(EMPTY_ACCOUNT, sampleExchange({ wishNanoUsd: nanoUsd(1000) }));
  const request = sampleExchange({ ownerId: 'b', neededNanoUsd: nanoUsd(900) });
  const refused = exchange(first.state, request);
  expect(refused.reply).toMatchObject({ isGranted: false, isUnderPressure: true });
  const wishful = sampleExchange({ sequence: 2, wishNanoUsd: nanoUsd(100) });
  expect(exchange(refused.state, wishful).reply).toMatchObject({ heldNanoUsd: 0, isUnderPressure: true });
  const later = { ...wishful, nowMs: wishful.nowMs + 60_000 };
  expect(exchange(refused.state, later).reply).toMatchObject({ heldNanoUsd: 100, isUnderPressure: false });
});

test('folding an owner moves what the ledger says of it into the base, once, and frees its slice', () => {
  const { state } = exchange(EMPTY_ACCOUNT, sampleExchange({ settled: amounts({ 5: 30 }), wishNanoUsd: nanoUsd(100) }));
  const folded = foldOwner(state, 'a', amounts({ 5: 45, 4: 9 }), 1);
  expect([usedOf(folded), heldOf(folded)]).toEqual([45, 0]);
  expect(foldOwner(folded, 'a', amounts({ 5: 45 }), 2)).toBe(folded);
  expect(exchange(folded, sampleExchange({ sequence: 9 })).reply).toEqual({ kind: 'fenced' });
});

test('the clearing amounts bring what is used to nothing, whoever spent it', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('5', '6', '7'), fc.nat(500)),
      fc.dictionary(fc.constantFrom('5', '6'), fc.nat(500)),
      (own, base) => {
        const { state } = exchange(
          { ...EMPTY_ACCOUNT, base: amounts(base) },
          sampleExchange({ settled: amounts(own) }),
        );
        expect(usedOf(adjustAccount(state, clearingAmounts(state)))).toBe(0);
      },
    ),
  );
});
