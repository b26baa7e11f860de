import { expect, test } from 'vitest';
import { collect } from '../../testing/collect.ts';
import { ledgerConformance } from '../../testing/ledger-conformance.ts';
import { sampleCallRecord, sampleCharge } from '../../testing/sample-ledger-rows.ts';
import { MemoryLedger } from './memory-ledger.ts';

test.each(ledgerConformance(async () => new MemoryLedger()))('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
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
