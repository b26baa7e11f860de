import { expect, test } from 'vitest';
import { collect } from '../../testing/collect.ts';
import { ledgerConformance } from '../../testing/ledger-conformance.ts';
import { sampleCallRecord, sampleCharge } from '../../testing/sample-ledger-rows.ts';
import type { LedgerStorage } from '../../testing/ledger-owner-stage.ts';
import { ledgerOwnerConformance } from '../../testing/ledger-owner-conformance.ts';
import { seededRandom } from '../../simulator/seeded-random.ts';
import { MemoryLedgerRows } from './memory-ledger-rows.ts';
import { MemoryLedger } from './memory-ledger.ts';

test.each(ledgerConformance(async () => new MemoryLedger()))('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});

async function makeStorage(): Promise<LedgerStorage> {
  const rows = new MemoryLedgerRows(100_000);
  const random = seededRandom(1);
  return {
    open: async (owner) => new MemoryLedger({}, { rows, random, ...owner }),
    close: async () => undefined,
  };
}

test.each(ledgerOwnerConformance(makeStorage))('with several owners: $name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});

test('a ledger of one owner lives until it is closed, under an id that no other process has', async () => {
  const ledger = new MemoryLedger();
  const { ownerId } = ledger;
  expect(ownerId).toMatch(/^owner_[0-9a-f]{16}$/);
  expect(ownerId).not.toBe(new MemoryLedger().ownerId);
  expect(ledger.leaseUntilMs).toBe(Number.POSITIVE_INFINITY);
  expect(await ledger.recover(Number.MAX_SAFE_INTEGER)).toBe(0);
  expect(await ledger.livingOwners()).toEqual([ownerId]);
  await ledger.close();
  expect(await ledger.livingOwners()).toEqual([]);
});

test('past its bound the oldest charges and records are dropped', async () => {
  const ledger = new MemoryLedger({ maxRows: 2 });
  const callIds = ['a', 'b', 'c'];
  await ledger.charge(callIds.map((callId) => sampleCharge({ chargeId: `${callId}.1`, callId })));
  for (const callId of callIds) ledger.record(sampleCallRecord({ callId }));
  expect((await collect(ledger.charges({}))).map((charge) => charge.callId)).toEqual(['b', 'c']);
  expect((await collect(ledger.calls({}))).map((record) => record.callId)).toEqual(['b', 'c']);
});

test('a bound that keeps nothing is refused when the ledger is made', () => {
  expect(() => new MemoryLedger({ maxRows: 0 })).toThrow(RangeError);
});
