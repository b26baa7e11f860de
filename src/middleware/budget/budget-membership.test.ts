import { expect, test } from 'vitest';
import type { Budget } from '../../core/budget/budget.ts';
import { nanoUsd } from '../../core/money.ts';
import type { BudgetStanding } from '../../ports/budget-store.ts';
import { MemoryBudgetStore } from '../../stores/memory/memory-budget-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { BudgetKeeper } from './budget-keeper.ts';

const DAY: Budget = {
  name: 'day',
  scope: { kind: 'all' },
  limitNanoUsd: nanoUsd(1000),
  window: { kind: 'calendar', unit: 'day' },
  timezone: 'UTC',
  mode: 'hard',
  alertAtRatios: [],
  onLowBudget: 'refuse',
};
const DEFINITIONS = ['day|all|day|UTC'];

/** Answers with an older standing while it has one. */
class LateStore extends MemoryBudgetStore {
  older: BudgetStanding | undefined;

  override async standing(): Promise<BudgetStanding> {
    return this.older ?? (await super.standing());
  }
}

test('an owner that was admitted keeps its line, also when the store looks as it did before', async () => {
  const clock = new FakeClock();
  const store = new LateStore({ clock });
  await store.begin('g1', DEFINITIONS, undefined, 0);
  await store.finish('g1');
  let admit: (ownerId: string) => Promise<void> = () => Promise.reject(new Error('nobody wants to know'));
  const ledger = {
    ownerId: 'owner-1',
    leaseUntilMs: Number.POSITIVE_INFINITY,
    recover: () => Promise.resolve(0),
    beforeNewOwner: (given: typeof admit) => void (admit = given),
  };
  const keeper = new BudgetKeeper({
    store,
    ledger,
    clock,
    events: { emit: () => undefined },
    budgets: [DAY],
    maxAccounts: 10,
  });
  const pass = async (): Promise<void> => {
    clock.advance(1000);
    keeper.tick();
    await new Promise((resolve) => void setImmediate(resolve));
  };
  await keeper.open();
  expect(keeper.isReady).toBe(true);
  await store.begin('g2', DEFINITIONS, 'g1', 0);
  const before = await store.standing();
  await admit('owner-2');
  ledger.ownerId = 'owner-2';
  const admitted = [{ ownerId: 'owner-2', cutMs: 0 }];

  // Whoever builds may have read this line already: it must not be drawn a second time.
  store.older = before;
  await pass();
  store.older = undefined;
  expect((await store.standing()).owners).toEqual(admitted);
  expect(keeper.cutMs).toBe(0);

  await store.finish('g2', ['owner-2']);
  await pass();
  expect(keeper.isReady).toBe(true);
  expect((await store.standing()).owners).toEqual(admitted);
});
