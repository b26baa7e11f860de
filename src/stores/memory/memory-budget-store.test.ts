import { expect, test } from 'vitest';
import { budgetStoreConformance } from '../../testing/budget-store-conformance.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { MemoryBudgetStore } from './memory-budget-store.ts';

const cases = budgetStoreConformance((stores) => {
  const store = new MemoryBudgetStore({ clock: new FakeClock() });
  return Promise.resolve(Array.from({ length: stores }, () => store));
});

test.each(cases)('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});
