import { expect, test } from 'vitest';
import { budgetStoreConformance } from '../../testing/budget-store-conformance.ts';
import { accountId } from '../../core/budget/budget.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleExchange } from '../../testing/sample-exchanges.ts';
import { MemoryBudgetStore } from './memory-budget-store.ts';

const cases = budgetStoreConformance((stores) => {
  const store = new MemoryBudgetStore({ clock: new FakeClock() });
  return Promise.resolve(Array.from({ length: stores }, () => store));
});

test.each(cases)('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});

test('what an owner that has left sends late is refused', async () => {
  const store = new MemoryBudgetStore({ clock: new FakeClock() });
  await store.begin('g1', [], undefined, 0);
  await store.join({ ownerId: 'a', cutMs: 0 }, 'g1');
  await store.finish('g1');
  await store.leave('a');
  const late = sampleExchange({ ownerId: 'a' });
  const account = accountId('team|all|day|UTC', '');
  expect(await store.exchange(account, late, { generation: 'g1', maxAccounts: 9 })).toEqual({ kind: 'fenced' });
  await store.close();
});
