import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { testBudget } from '../../test/support/budget-folder.ts';
import type { Budget } from '../core/budget/budget.ts';
import { nanoUsd, parseUsd } from '../core/money.ts';
import { accountId, budgetDefinition } from '../core/budget/budget.ts';
import { systemClock } from '../engine/system-ports.ts';
import { keysPath } from '../stores/sqlite/data-files.ts';
import { openSqliteControlStore, type SqliteControlStore } from '../stores/sqlite/sqlite-control-store.ts';
import { BudgetWatch } from './budget-watch.ts';

const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** As two processes open one folder. */
async function books(): Promise<readonly [SqliteControlStore, SqliteControlStore]> {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'));
  closing.push(() => rmSync(folder, { recursive: true }));
  const open = async (): Promise<SqliteControlStore> => {
    const book = await openSqliteControlStore({ path: keysPath(folder), clock: systemClock });
    closing.push(() => book.close());
    return book;
  };
  return [await open(), await open()];
}

async function watchOf(book: Pick<SqliteControlStore, 'budgets' | 'budgetsVersion'>, configured: readonly Budget[]) {
  const told: (readonly string[])[] = [];
  const faults: string[] = [];
  const watch = await BudgetWatch.start({
    book,
    configured,
    onBudgets: (budgets) => void told.push(budgets.map(({ name, limitNanoUsd }) => `${name} ${limitNanoUsd / 1e9}`)),
    onFault: (operation) => void faults.push(operation),
  });
  closing.push(() => watch.close());
  return { watch, told, faults };
}

const team = (usd: string): Budget => testBudget({ limitNanoUsd: parseUsd(usd) });
const other = testBudget({ name: 'other' });

test('a limit that one process sets holds in every other within a second, and goes when it is taken away', async () => {
  const [mine, others] = await books();
  const { watch, told } = await watchOf(mine, [team('10'), other]);
  expect(watch.current.map(({ origin }) => origin)).toEqual(['configuration', 'configuration']);
  await others.putBudget(team('3'));
  await vi.waitFor(() => expect(told).toEqual([['team 3', 'other 10']]), 1000);
  expect(watch.current.map(({ origin }) => origin)).toEqual(['stored', 'configuration']);
  await others.removeBudget('team');
  await vi.waitFor(() => expect(told.at(-1)).toEqual(['team 10', 'other 10']), 1000);
});

test('what was stored before holds from the start, and nothing is told of what did not change', async () => {
  const [mine, others] = await books();
  await others.putBudget(team('3'));
  const { watch, told } = await watchOf(mine, [team('10')]);
  expect(watch.budgets).toEqual([team('3')]);
  const accountOf = accountId(budgetDefinition(team('3')), '');
  await others.addAdjustment({ adjustmentId: 'a', accountId: accountOf, atMs: 0, amounts: { 0: nanoUsd(-1) } });
  await watch.refresh();
  expect(told).toEqual([]);
  watch.setConfigured([team('20'), other]);
  expect(told).toEqual([['team 3', 'other 10']]);
});

test('while the book cannot be read the last budgets stand; a process that cannot read it does not start', async () => {
  const [book] = await books();
  let isBroken = false;
  const broken = {
    budgets: () => book.budgets(),
    budgetsVersion: () => (isBroken ? Promise.reject(new Error('the disk is gone')) : book.budgetsVersion()),
  };
  await book.putBudget(team('3'));
  const { watch, told, faults } = await watchOf(broken, []);
  isBroken = true;
  await book.putBudget(team('4'));
  await vi.waitFor(() => expect(faults).toContain('watch'), 1000);
  expect(watch.budgets).toEqual([team('3')]);
  await expect(watchOf(broken, [])).rejects.toThrow('the disk is gone');
  isBroken = false;
  await vi.waitFor(() => expect(told).toEqual([['team 4']]), 1000);
});
