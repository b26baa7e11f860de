import {
  type AccountFigures,
  type BudgetFigures,
  FiguresOfBudgets,
  type FiguresQuery,
} from '../../core/budget/account-figures.ts';
import { type Budget, scopeText } from '../../core/budget/budget.ts';
import { windowWords } from '../../core/budget/budget-text.ts';
import type { EffectiveBudget } from '../../core/budget/effective-budgets.ts';
import { formatUsd } from '../../core/money.ts';
import type { BudgetStoreUpkeep } from '../../ports/budget-store.ts';

/** A budget that holds, and what its accounts have used. @internal */
export interface ListedBudget {
  readonly figures: BudgetFigures;
  readonly origin: EffectiveBudget['origin'];
}

/**
 * Budgets with their accounts, those that have used most first.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function listBudgets(
  effective: readonly EffectiveBudget[],
  store: Pick<BudgetStoreUpkeep, 'accounts'>,
  query: FiguresQuery,
): Promise<readonly ListedBudget[]> {
  const budgets = effective.map(({ budget }) => budget);
  const collected = new FiguresOfBudgets(budgets, query);
  if (budgets.length > 0) for await (const [account, state] of store.accounts()) collected.add(account, state);
  const origins = new Map(effective.map(({ budget, origin }) => [budget.name, origin]));
  return collected
    .figures()
    .map((figures) => ({ figures, origin: origins.get(figures.budget.name) ?? 'configuration' }));
}

/** A budget in the words of the configuration, as the admin API and `--json` show it. @internal */
export function budgetJson(budget: Budget, origin: EffectiveBudget['origin']): Readonly<Record<string, unknown>> {
  return {
    name: budget.name,
    origin,
    scope: scopeText(budget.scope),
    window: windowWords(budget.window),
    timezone: budget.timezone,
    mode: budget.mode,
    limitUsd: formatUsd(budget.limitNanoUsd),
    alertAt: budget.alertAtRatios,
    onLowBudget: budget.onLowBudget,
  };
}

/** An account as the admin API and `--json` show it. @internal */
export function accountJson(figures: AccountFigures): Readonly<Record<string, unknown>> {
  return {
    value: figures.value,
    usedUsd: formatUsd(figures.usedNanoUsd),
    heldUsd: formatUsd(figures.heldNanoUsd),
    leftUsd: formatUsd(figures.leftNanoUsd),
    resetsAt: figures.resetsAtMs === undefined ? null : new Date(figures.resetsAtMs).toISOString(),
  };
}
