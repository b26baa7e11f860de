import type { BudgetAlert } from '../../core/budget/budget-alert.ts';
import { accountParts } from '../../core/budget/budget.ts';
import { windowPosition } from '../../core/budget/budget-window.ts';
import { nanoUsd, type NanoUsd } from '../../core/money.ts';
import type { BudgetDesk } from './budget-desk.ts';

/** What is left of a budget, as this process knows it. @internal */
export interface RemainingBudget {
  readonly budget: string;
  readonly leftNanoUsd: NanoUsd;
}

/** What is left at a desk: the limit without what was spent. Never negative. @internal */
export function remainingOf(desk: BudgetDesk): RemainingBudget {
  return { budget: desk.budget.name, leftNanoUsd: nanoUsd(Math.max(0, desk.budget.limitNanoUsd - desk.usedNanoUsd)) };
}

/** The alert of a desk whose spending crossed a ratio. @internal */
export function alertOf(desk: BudgetDesk, ratio: number, usedNanoUsd: NanoUsd, atMs: number): BudgetAlert {
  const { budget } = desk;
  return {
    budget: budget.name,
    value: accountParts(desk.account).value,
    mode: budget.mode,
    ratio,
    usedNanoUsd,
    limitNanoUsd: budget.limitNanoUsd,
    atMs,
    windowEndsAtMs: windowPosition(budget.window, budget.timezone, atMs).endsAtMs,
  };
}
