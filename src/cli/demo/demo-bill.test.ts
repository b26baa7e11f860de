import { expect, test } from 'vitest';
import { type CallRecord, type Charge, DEFERRED } from '../../core/model/charge.ts';
import { nanoUsd, ZERO_USD } from '../../core/money.ts';
import { savingsOf } from '../../core/savings.ts';
import type { ListedBudget } from '../../engine/budgets/list-budgets.ts';
import { sampleCallRecord, sampleCharge } from '../../testing/sample-ledger-rows.ts';
import { accountId, type Budget, budgetDefinition } from '../../core/budget/budget.ts';
import type { AccountFigures } from '../../core/budget/account-figures.ts';
import { demoBillJson } from './demo-bill-json.ts';
import { demoBillText } from './demo-bill-text.ts';
import { demoBill } from './demo-bill.ts';
import { demoBudgets, refusalsOf } from './demo-budgets.ts';
import type { Books } from './start-stack.ts';

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

function charge(amount: number, certainty: Charge['certainty'], user = 'ann'): Charge {
  return sampleCharge({ certainty, amountNanoUsd: nanoUsd(amount), tags: { user } });
}

function budget(fields: Pick<Budget, 'name' | 'scope'> & { readonly limit: number }): Budget {
  const { limit, ...named } = fields;
  return {
    ...named,
    limitNanoUsd: nanoUsd(limit),
    window: { kind: 'total' },
    timezone: 'UTC',
    mode: 'hard',
    alertAtRatios: [],
    onLowBudget: 'refuse',
  };
}

/** A budget as its counters have it. */
function listed(of: Budget, used: Readonly<Record<string, number>>): ListedBudget {
  const accounts = Object.entries(used).map(([value, amount]): AccountFigures => {
    const usedNanoUsd = nanoUsd(amount);
    const account = accountId(budgetDefinition(of), value);
    return { account, value, usedNanoUsd, heldNanoUsd: ZERO_USD, leftNanoUsd: ZERO_USD, resetsAtMs: undefined };
  });
  return { figures: { budget: of, accountCount: accounts.length, accounts }, origin: 'configuration' };
}

const EVERYTHING = budget({ name: 'everything', scope: { kind: 'all' }, limit: 5000 });
const PER_USER = budget({ name: 'per-user', scope: { kind: 'tag', name: 'user' }, limit: 1010 });

const NO_LINE = { requests: 0, totalNanoUsd: 0n };
const TIERS = { standard: { requests: 3, totalNanoUsd: 1105n }, batch: NO_LINE, flex: NO_LINE };
const BOOKS: Books = {
  records: [
    record({ cacheStatus: 'miss', missedByMode: { mode: 'all' as const, nanoUsd: nanoUsd(400) } }, 1000, 1000),
    record({ cacheStatus: 'hit', durationMs: 1 }, 1000, 0),
    record({ cacheStatus: 'hit', durationMs: 3 }, 500, 0),
    record({ cacheStatus: 'collapsed' }, 700, 0),
    record({ cacheStatus: 'miss', endpoint: 'embeddings' }, 90, 60),
    record({ cacheStatus: 'miss', outcome: 'client-left', isEstimate: true }, 40, 40),
    record({ callId: 'call_refused', status: 402, outcome: 'budget-spent', tags: { user: 'ann' } }, 0, 0),
  ],
  charges: [
    charge(1000, 'exact', 'ann'),
    charge(60, 'exact', 'bob'),
    charge(40, 'estimate', 'bob'),
    charge(0, 'none', 'bob'),
  ],
  budgets: [listed(EVERYTHING, { '': 1100 }), listed(PER_USER, { ann: 1000, bob: 100 })],
  refusals: new Map([['per-user', { spent: 1, held: 2 }]]),
  invoice: { totalNanoUsd: 1105n, unstatedNanoUsd: 45n, unstatedRequests: 1, byModel: {}, byTier: TIERS, requests: 3 },
};
const FACTS = {
  seed: 1,
  seconds: 60,
  latencyRatio: 1 / 40,
  outcome: { answered: 5, taken: 0, refused: 0, overBudget: 1, held: 0, failed: 0, abandoned: 1, sentAgain: 0 },
  later: { taken: 0, answered: 0, byBatch: 0, byLive: 0, failed: 0, missing: 0 },
};

test('baseline minus cost is what was saved, and the levers sum to it', () => {
  const bill = demoBill(BOOKS);
  expect(bill).toMatchObject({ calls: 7, baselineNanoUsd: 3330n, costNanoUsd: 1100n, savedNanoUsd: 2230n });
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

test('what was held for a call that is answered later is no estimate once the batch has answered it', () => {
  const hold = { ...charge(900, 'estimate'), chargeId: 'call_2.1', outcome: DEFERRED };
  const truth = { ...charge(400 - 900, 'exact'), chargeId: 'call_2.1.c1', corrects: 'call_2.1' };
  const open = demoBill({ ...BOOKS, charges: [hold] });
  expect(open.estimates).toEqual({ charges: 1, nanoUsd: 900n });
  const bill = demoBill({ ...BOOKS, charges: [hold, truth] });
  expect(bill).toMatchObject({ costNanoUsd: 400n, estimates: { charges: 0, nanoUsd: 0n } });
  expect(bill.proof.ledgerNanoUsd).toBe(400n);
});

test('calls that could wait are counted by what answered them, with what is missing, and not as slow misses', () => {
  const waited = record({ callId: 'call_2', cacheStatus: 'miss', durationMs: 9000 }, 100, 50);
  const hold = { ...charge(100, 'estimate'), chargeId: 'call_2.1', callId: 'call_2', outcome: DEFERRED };
  const charges = [...BOOKS.charges, hold];
  const bill = demoBill({ ...BOOKS, charges, records: [...BOOKS.records, waited] });
  expect(bill.missLatency).toEqual(demoBill(BOOKS).missLatency);
  const outcome = { ...FACTS.outcome, taken: 9 };
  const later = { taken: 9, answered: 7, byBatch: 5, byLive: 2, failed: 0, missing: 2 };
  const text = demoBillText(bill, { ...FACTS, outcome, later });
  expect(text).toMatch(/answered later +7 of 9, by batch 5 \/ live 2, 2 not there yet/);
  expect(text).toMatch(/calls +16 in /);
  expect(demoBillText(bill, FACTS)).not.toContain('answered later');
});

test('counters are held against the ledger account by account, estimates included', () => {
  expect(demoBill(BOOKS).budgets).toEqual([
    {
      name: 'everything',
      limitNanoUsd: 5000n,
      accounts: 1,
      usedNanoUsd: 1100n,
      ledgerNanoUsd: 1100n,
      differenceNanoUsd: 0n,
      fullest: { value: '', usedNanoUsd: 1100n },
      accountsOverLimit: 0,
      refused: { spent: 0, held: 0 },
    },
    {
      name: 'per-user',
      limitNanoUsd: 1010n,
      accounts: 2,
      usedNanoUsd: 1100n,
      ledgerNanoUsd: 1100n,
      differenceNanoUsd: 0n,
      fullest: { value: 'ann', usedNanoUsd: 1000n },
      accountsOverLimit: 0,
      refused: { spent: 1, held: 2 },
    },
  ]);
});

test('errors of two accounts do not cancel out, and one that passed its limit is counted though it came back', () => {
  const [, perUser] = demoBill({
    ...BOOKS,
    budgets: [listed(EVERYTHING, {}), listed(PER_USER, { ann: 999, bob: 101 })],
  }).budgets;
  expect(perUser?.differenceNanoUsd).toBe(2n);
  const charges = [...BOOKS.charges, charge(11, 'estimate'), charge(-11, 'exact')];
  expect(demoBill({ ...BOOKS, charges }).budgets.map((line) => line.accountsOverLimit)).toEqual([0, 1]);
});

test('refused calls are counted with their users, and what they cost would show', () => {
  expect(demoBill(BOOKS).overBudget).toEqual({ calls: 1, users: 1, costNanoUsd: 0n });
  const leaked = { ...charge(7, 'exact'), callId: 'call_refused' };
  expect(demoBill({ ...BOOKS, charges: [...BOOKS.charges, leaked] }).overBudget.costNanoUsd).toBe(7n);
});

test('refusals are read from the metrics by budget', () => {
  const metrics = [
    '# TYPE farthing_budget_refusals_total counter',
    'farthing_budget_refusals_total{budget="per-user",reason="spent"} 12',
    'farthing_budget_refusals_total{budget="per-user",reason="held"} 2',
    'farthing_budget_limit_usd{budget="per-user"} 0.5',
    '',
  ].join('\n');
  expect([...refusalsOf(metrics)]).toEqual([['per-user', { spent: 12, held: 2 }]]);
});

test('budgets grow with days of more calls than usual, and a user limit that was asked for holds', () => {
  const limits = (calls: number, userLimitUsd?: number): readonly string[] =>
    demoBudgets(calls, userLimitUsd).map(({ limitUsd }) => limitUsd);
  expect([limits(400), limits(4000), limits(8000), limits(8000, 0.1)]).toEqual([
    ['12.00', '0.5000'],
    ['12.00', '0.5000'],
    ['24.00', '1.0000'],
    ['24.00', '0.1000'],
  ]);
});

test('the text shows the money, the levers and the proof to the nano-dollar', () => {
  const text = demoBillText(demoBill(BOOKS), FACTS);
  expect(text).toMatch(/difference +\$0\.000000000/);
  expect(text).toContain("the provider at 1/40 of a real one's");
  expect(text).toMatch(/not served because of mode +1 /);
  expect(text).toContain('whose usage nobody was told: 1\n');
  expect(text).toContain('67.0 %'); // 2,230 of 3,330
  expect(text).toMatch(/share of its limit +22\.0 % +99\.0 %/);
  expect(text).toContain('Refused before they were sent: 1 calls of 1 user, which cost $0.000000.');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(88);
});

test('requests that clients sent again explain why the gateway counted more calls than were made', () => {
  const outcome = { ...FACTS.outcome, abandoned: 0, sentAgain: 1 };
  expect(demoBillText(demoBill(BOOKS), { ...FACTS, outcome })).toContain('seed 1; 1 sent again (429, 5xx): 7 requests');
});

test('JSON carries exact dollars under names that say so', () => {
  const json: unknown = JSON.parse(demoBillJson(demoBill(BOOKS), FACTS));
  expect(json).toMatchObject({
    baselineUsd: '0.00000333',
    missedByMode: { usd: '0.0000004' },
    proof: { invoiceUsd: '0.00000106', differenceUsd: '0.00' },
    levers: [{ savedUsd: '0.0000015' }, {}, {}],
    outcome: { abandoned: 1 },
    budgets: [
      { limitUsd: '0.000005', usedUsd: '0.0000011', fullest: { usedUsd: '0.0000011' } },
      { differenceUsd: '0.00' },
    ],
    overBudget: { calls: 1, costUsd: '0.00' },
  });
});
