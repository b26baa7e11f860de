import type { BudgetStore, BudgetStoreUpkeep } from '../ports/budget-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { ControlStore } from '../ports/control-store.ts';
import { budgetsPath, keysPath } from '../stores/sqlite/data-files.ts';
import { openSqliteBudgetStore } from '../stores/sqlite/sqlite-budget-store.ts';
import { openSqliteControlStore } from '../stores/sqlite/sqlite-control-store.ts';

/** What budgets are kept with in a data folder. @internal */
export interface FolderBudgets {
  readonly store: BudgetStore & BudgetStoreUpkeep;
  readonly book: ControlStore;
  close(): Promise<void>;
}

/** Opens the counters of budgets and the book of those that were set. @throws FarthingError `store-unavailable` @internal */
export async function openFolderBudgets(folder: string, clock: Clock): Promise<FolderBudgets> {
  const [store, book] = await Promise.all([
    openSqliteBudgetStore({ path: budgetsPath(folder), clock }),
    openSqliteControlStore({ path: keysPath(folder), clock }),
  ]);
  return {
    store,
    book,
    close: async () => {
      await Promise.all([store.close(), book.close()]);
    },
  };
}
