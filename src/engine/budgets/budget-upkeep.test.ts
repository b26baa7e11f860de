import { expect, test } from 'vitest';
import { testBudget } from '../../../test/support/budget-folder.ts';
import { usedOf } from '../../core/budget/account-state.ts';
import { budgetDefinition } from '../../core/budget/budget.ts';
import { windowPosition } from '../../core/budget/budget-window.ts';
import { nanoUsd } from '../../core/money.ts';
import { BudgetKeeper } from '../../middleware/budget/budget-keeper.ts';
import type { EngineEvent } from '../../ports/event-sink.ts';
import { MemoryBudgetStore } from '../../stores/memory/memory-budget-store.ts';
import { MemoryLedger } from '../../stores/memory-ledger/memory-ledger.ts';
import { MemoryLedgerRows } from '../../stores/memory-ledger/memory-ledger-rows.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleCharge, sampleIntent } from '../../testing/sample-ledger-rows.ts';
import { systemRandom } from '../system-ports.ts';
import { BudgetUpkeep } from './budget-upkeep.ts';

const BUDGET = testBudget();
const LEASE_MS = 15_000;

test('a correction of an estimate from before the cut of its owner, booked after it, is folded with that owner', async () => {
  const clock = new FakeClock();
  const store = new MemoryBudgetStore({ clock });
  const share = { rows: new MemoryLedgerRows(100), clock, random: systemRandom, leaseMs: LEASE_MS };
  const [silent, other] = [new MemoryLedger({}, share), new MemoryLedger({}, share)];
  await silent.intend(sampleIntent({ atMs: clock.nowMs(), upperBoundNanoUsd: nanoUsd(5000) }));
  clock.advance(LEASE_MS - 1);
  await other.recover(clock.nowMs());
  clock.advance(1);
  expect(await other.recover(clock.nowMs())).toBe(1);
  // It turns out to be alive, under another id, which draws its line behind the estimate.
  await silent.recover(clock.nowMs());
  const { ownerId } = silent;
  clock.advance(10);
  const cutMs = clock.nowMs();
  await silent.charge([sampleCharge({ chargeId: 'before.1', atMs: cutMs - 1, amountNanoUsd: nanoUsd(7) })]);
  await store.begin('g1', [budgetDefinition(BUDGET)], undefined, 0);
  await store.join({ ownerId, cutMs }, 'g1');
  await store.finish('g1');
  clock.advance(10);
  await silent.charge([sampleCharge({ atMs: clock.nowMs(), amountNanoUsd: nanoUsd(1200) })]);
  await silent.close();

  const events: EngineEvent[] = [];
  const parts = { store, ledger: other, clock, events: { emit: (event: EngineEvent) => void events.push(event) } };
  const keeper = new BudgetKeeper({ ...parts, budgets: [BUDGET], maxAccounts: 10 });
  await new BudgetUpkeep({ ...parts, keeper, book: undefined, random: systemRandom, sleep: async () => {} }).run();
  expect(events).toEqual([]);
  expect((await store.standing()).owners).toEqual([]);
  const { bucket } = windowPosition(BUDGET.window, BUDGET.timezone, clock.nowMs());
  const used: number[] = [];
  for await (const [, state] of store.accounts()) used.push(usedOf(state, bucket));
  // The difference to the estimate, and not the row from before the line: whoever built has counted that.
  expect(used).toEqual([-3800]);
});

test('rows of an owner that is admitted and ended while the ledger is added up are counted once', async () => {
  const clock = new FakeClock();
  const store = new MemoryBudgetStore({ clock });
  const share = { rows: new MemoryLedgerRows(100), clock, random: systemRandom, leaseMs: LEASE_MS };
  const [ledger, briefly] = [new MemoryLedger({}, share), new MemoryLedger({}, share)];
  share.rows.end(briefly.ownerId, clock.nowMs());
  let isFirst = true;
  const events: EngineEvent[] = [];
  const parts = { store, clock, events: { emit: (event: EngineEvent) => void events.push(event) } };
  const keeper = new BudgetKeeper({ ...parts, ledger, budgets: [BUDGET], maxAccounts: 10 });
  const upkeep = new BudgetUpkeep({
    ...parts,
    keeper,
    ledger: {
      livingOwners: () => ledger.livingOwners(),
      // Between the look for owners and the reading of their rows.
      async *spending(query) {
        if (isFirst) {
          isFirst = false;
          const { generation = '' } = await store.standing();
          briefly.beforeNewOwner(async (ownerId) => void (await store.join({ ownerId, cutMs: 0 }, generation)));
          await briefly.recover(clock.nowMs());
          await briefly.charge([sampleCharge({ atMs: clock.nowMs(), amountNanoUsd: nanoUsd(1200) })]);
          await briefly.close();
        }
        yield* ledger.spending(query);
      },
    },
    book: undefined,
    random: systemRandom,
    sleep: async (ms) => clock.advance(ms),
  });
  await keeper.open();
  await upkeep.run();
  await upkeep.run();
  expect(events.filter(({ kind }) => kind === 'store-failed')).toEqual([]);
  expect((await store.standing()).owners).toEqual([{ ownerId: ledger.ownerId, cutMs: expect.any(Number) }]);
  const { bucket } = windowPosition(BUDGET.window, BUDGET.timezone, clock.nowMs());
  const used: number[] = [];
  for await (const [, state] of store.accounts()) used.push(usedOf(state, bucket));
  expect(used).toEqual([1200]);
});
