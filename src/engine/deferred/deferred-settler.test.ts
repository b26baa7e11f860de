import { expect, test } from 'vitest';
import type { Budget } from '../../core/budget/budget.ts';
import { DEFERRED } from '../../core/model/charge.ts';
import { nanoUsd, ZERO_USD } from '../../core/money.ts';
import { BudgetKeeper } from '../../middleware/budget/budget-keeper.ts';
import { MemoryBudgetStore } from '../../stores/memory/memory-budget-store.ts';
import { MemoryLedger } from '../../stores/memory-ledger/memory-ledger.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleDeferredCall } from '../../testing/sample-jobs.ts';
import { sampleCharge } from '../../testing/sample-ledger-rows.ts';
import { DeferredSettler } from './deferred-settler.ts';

const BUDGET: Budget = {
  name: 'all',
  scope: { kind: 'all' },
  limitNanoUsd: nanoUsd(100_000),
  window: { kind: 'total' },
  timezone: 'UTC',
  mode: 'hard',
  alertAtRatios: [],
  onLowBudget: 'refuse',
};

test('money that is given back is given back once, also when a reload has made another engine in between', async () => {
  const [clock, ledger] = [new FakeClock(), new MemoryLedger()];
  const store = new MemoryBudgetStore({ clock });
  const events = { emit: () => undefined };
  await store.begin('g1', ['all|all|total|UTC'], undefined, 0);
  await store.finish('g1');
  const keeper = new BudgetKeeper({ store, ledger, clock, events, budgets: [BUDGET], maxAccounts: 10 });
  await keeper.open();
  const call = sampleDeferredCall({ atMs: clock.nowMs() });
  const { callId, project, keyId, tags, target, boundNanoUsd } = call;
  const facts = { project, keyId, tags, target };
  const held = sampleCharge({
    ...facts,
    chargeId: `${callId}.1`,
    callId,
    atMs: clock.nowMs(),
    amountNanoUsd: boundNanoUsd,
    outcome: DEFERRED,
  });
  const pending = keeper.withoutMoney(facts).pend(target, ZERO_USD, held.atMs);
  for (const receipt of await ledger.charge([held])) pending.settle(receipt);
  const left = (): number => keeper.remaining(facts)[0]?.leftNanoUsd ?? Number.NaN;
  expect(left()).toBe(BUDGET.limitNanoUsd - boundNanoUsd);
  const settler = (): DeferredSettler =>
    new DeferredSettler({
      ledger,
      reader: ledger,
      keeper,
      pricer: { price: () => undefined, limits: () => ({}), vendorOf: () => undefined } as never,
      providers: new Map(),
      storing: undefined,
      requestLimits: undefined,
      maxReplyBytes: 1000,
      clock,
      events,
    });
  for (const engine of [settler(), settler()]) {
    // oxlint-disable-next-line no-await-in-loop -- one engine after the other
    await engine.settle(call, { kind: 'none', outcome: 'asked-live' });
  }
  // Spent again, so that what was given back too much would show: what is left is never more than the limit.
  const spent = sampleCharge({
    ...facts,
    chargeId: 'call_2.1',
    callId: 'call_2',
    atMs: clock.nowMs(),
    amountNanoUsd: boundNanoUsd,
  });
  const next = keeper.withoutMoney(facts).pend(target, ZERO_USD, spent.atMs);
  for (const receipt of await ledger.charge([spent])) next.settle(receipt);
  expect(left()).toBe(BUDGET.limitNanoUsd - boundNanoUsd);
});
