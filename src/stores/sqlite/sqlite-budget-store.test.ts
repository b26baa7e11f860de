import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { budgetStoreConformance } from '../../testing/budget-store-conformance.ts';
import { accountId } from '../../core/budget/budget.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { sampleExchange } from '../../testing/sample-exchanges.ts';
import { openSqliteBudgetStore } from './sqlite-budget-store.ts';
import type { SqliteDriver } from './sqlite-database.ts';

let folder: string;
let count = 0;
const nextPath = (): string => join(folder, `${(count += 1)}.db`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'budgets-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each<SqliteDriver>(['better-sqlite3', 'node:sqlite'])('on %s', (driver) => {
  const cases = budgetStoreConformance((stores) => {
    const path = nextPath();
    const clock = new FakeClock();
    return Promise.all(Array.from({ length: stores }, () => openSqliteBudgetStore({ path, clock, driver })));
  });
  test.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

test('what an owner that has left sends late is refused', async () => {
  const store = await openSqliteBudgetStore({ path: nextPath(), clock: new FakeClock() });
  await store.begin('g1', [], undefined, 0);
  await store.join({ ownerId: 'a', cutMs: 0 }, 'g1');
  await store.finish('g1');
  await store.leave('a');
  const late = sampleExchange({ ownerId: 'a' });
  const account = accountId('team|all|day|UTC', '');
  expect(await store.exchange(account, late, { generation: 'g1', maxAccounts: 9 })).toEqual({ kind: 'fenced' });
  await store.close();
});
