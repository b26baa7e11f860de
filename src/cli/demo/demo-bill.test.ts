import { expect, test } from 'vitest';
import type { CallRecord, Charge } from '../../core/model/charge.ts';
import { nanoUsd } from '../../core/money.ts';
import { savingsOf } from '../../core/savings.ts';
import { sampleCallRecord, sampleCharge } from '../../testing/sample-ledger-rows.ts';
import { demoBillJson } from './demo-bill-json.ts';
import { demoBillText } from './demo-bill-text.ts';
import { demoBill } from './demo-bill.ts';

function record(fields: Partial<CallRecord>, baseline: number, cost: number): CallRecord {
  const { parts, ...money } = savingsOf(nanoUsd(baseline), { cache: nanoUsd(cost) });
  const attempts = cost > 0 ? 1 : 0;
  return sampleCallRecord({
    ...money,
    savedParts: parts,
    missedByMode: undefined,
    attempts,
    durationMs: 100,
    ...fields,
  });
}

function charge(amount: number, certainty: Charge['certainty']): Charge {
  return sampleCharge({ certainty, amountNanoUsd: nanoUsd(amount) });
}

const BOOKS = {
  records: [
    record({ cacheStatus: 'miss', missedByMode: { mode: 'all' as const, nanoUsd: nanoUsd(400) } }, 1000, 1000),
    record({ cacheStatus: 'hit', durationMs: 1 }, 1000, 0),
    record({ cacheStatus: 'hit', durationMs: 3 }, 500, 0),
    record({ cacheStatus: 'collapsed' }, 700, 0),
    record({ cacheStatus: 'miss', endpoint: 'embeddings' }, 90, 60),
    record({ cacheStatus: 'miss', outcome: 'client-left', isEstimate: true }, 40, 40),
  ],
  charges: [charge(1000, 'exact'), charge(60, 'exact'), charge(40, 'estimate'), charge(0, 'none')],
  invoice: { totalNanoUsd: 1105n, unstatedNanoUsd: 45n, unstatedRequests: 1, byModel: {}, requests: 3 },
};
const FACTS = {
  seed: 1,
  seconds: 60,
  latencyRatio: 1 / 40,
  outcome: { answered: 5, refused: 0, failed: 0, abandoned: 1 },
};

test('baseline minus cost is what was saved, and the levers sum to it', () => {
  const bill = demoBill(BOOKS);
  expect(bill).toMatchObject({ calls: 6, baselineNanoUsd: 3330n, costNanoUsd: 1100n, savedNanoUsd: 2230n });
  expect(bill.levers.reduce((sum, line) => sum + line.savedNanoUsd, 0n)).toBe(2230n);
  expect(bill.levers).toEqual([
    { lever: 'cache: answered from memory', calls: 2, savedNanoUsd: 1500n },
    { lever: 'coalescing: shared while in flight', calls: 1, savedNanoUsd: 700n },
    { lever: 'cache: embeddings, item by item', calls: 1, savedNanoUsd: 30n },
  ]);
  expect(bill).toMatchObject({ hits: 2, coalesced: 1, missedByMode: { calls: 1, nanoUsd: 400n } });
  expect(bill.hitLatency).toEqual({ calls: 2, p50Ms: 1, p95Ms: 3 });
});

test('only exact charges are held against the invoice for stated usage; a difference would show', () => {
  expect(demoBill(BOOKS).proof).toEqual({
    invoiceNanoUsd: 1060n,
    ledgerNanoUsd: 1060n,
    differenceNanoUsd: 0n,
    unstatedNanoUsd: 45n,
    unstatedRequests: 1,
  });
  const wrong = demoBill({ ...BOOKS, charges: [charge(1001, 'exact'), charge(60, 'exact')] });
  expect(wrong.proof.differenceNanoUsd).toBe(1n);
  expect(demoBillText(wrong, FACTS)).toMatch(/difference +\$0\.000000001/);
});

test('the text shows the money, the levers and the proof to the nano-dollar', () => {
  const text = demoBillText(demoBill(BOOKS), FACTS);
  expect(text).toMatch(/difference +\$0\.000000000/);
  expect(text).toContain("the provider at 1/40 of a real one's");
  expect(text).toMatch(/not served because of mode +1 /);
  expect(text).toContain('streams whose usage nobody was told: 1 ');
  expect(text).toContain('67.0 %'); // 2,230 of 3,330
});

test('JSON carries exact dollars under names that say so', () => {
  const json: unknown = JSON.parse(demoBillJson(demoBill(BOOKS), FACTS));
  expect(json).toMatchObject({
    baselineUsd: '0.00000333',
    missedByMode: { usd: '0.0000004' },
    proof: { invoiceUsd: '0.00000106', differenceUsd: '0.00' },
    levers: [{ savedUsd: '0.0000015' }, {}, {}],
    outcome: { abandoned: 1 },
  });
});
