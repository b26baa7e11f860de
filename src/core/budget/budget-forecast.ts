import type { NanoUsd } from '../money.ts';
import { type AccountFigures, accountFigures } from './account-figures.ts';
import { type AccountState, EMPTY_ACCOUNT } from './account-state.ts';
import { type AccountId, accountId, type Budget, budgetDefinition, scopeValue, type SpendingFacts } from './budget.ts';

/**
 * What a budget says to a call. `counts`: a soft one, or the call's size is not known; `fits`; `spent` is answered 402; `held`: there is
 * room once others give back what they hold, so the call waits; `full`: one value too many, 429; `unpriced`: nobody knows what the call may cost, 400.
 * @public
 */
export type ForecastVerdict = 'counts' | 'fits' | 'spent' | 'held' | 'full' | 'unpriced';

/** A budget that counts a call, and what it says to it. @public */
export interface BudgetForecast {
  readonly budget: Budget;
  readonly figures: AccountFigures;
  readonly verdict: ForecastVerdict;
}

/** What {@link forecastCall} looks at. @public */
export interface ForecastInput {
  readonly budgets: readonly Budget[];
  readonly facts: SpendingFacts;
  readonly accounts: ReadonlyMap<AccountId, AccountState>;
  /** Most accounts of one budget. */
  readonly maxAccounts: number;
  /** What the call reserves: an amount, `unpriced`, or undefined where its size was not said. */
  readonly amount: NanoUsd | 'unpriced' | undefined;
  readonly nowMs: number;
}

/**
 * The budgets that count a call, in the order in which they are reserved, and what each says to it, each taken for itself.
 * @public
 */
export function forecastCall(input: ForecastInput): readonly BudgetForecast[] {
  const counting = input.budgets.flatMap((budget) => {
    const value = scopeValue(budget.scope, input.facts);
    return value === undefined ? [] : [{ budget, definition: budgetDefinition(budget), value }];
  });
  return counting
    .toSorted((left, right) => (left.definition < right.definition ? -1 : 1))
    .map(({ budget, definition, value }) => {
      const account = accountId(definition, value);
      const state = input.accounts.get(account);
      const figures = accountFigures(budget, account, state ?? EMPTY_ACCOUNT, input.nowMs);
      const isFull = state === undefined && accountsOf(definition, input.accounts) >= input.maxAccounts;
      return { budget, figures, verdict: verdictOf(budget, figures, input.amount, isFull) };
    });
}

function accountsOf(definition: string, accounts: ReadonlyMap<AccountId, AccountState>): number {
  let count = 0;
  for (const account of accounts.keys()) if (account.startsWith(`${definition}|`)) count += 1;
  return count;
}

function verdictOf(
  budget: Budget,
  { leftNanoUsd, heldNanoUsd }: AccountFigures,
  amount: ForecastInput['amount'],
  isFull: boolean,
): ForecastVerdict {
  if (budget.mode === 'soft') return 'counts';
  if (isFull) return 'full';
  if (amount === undefined) return 'counts';
  if (amount === 'unpriced') return 'unpriced';
  if (amount > leftNanoUsd) return 'spent';
  return amount > leftNanoUsd - heldNanoUsd ? 'held' : 'fits';
}
