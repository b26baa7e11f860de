import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { budgetStoreConformance } from '../../testing/budget-store-conformance.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
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
