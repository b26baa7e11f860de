import { FarthingError } from '../errors.ts';
import type { Budget } from './budget.ts';
import { isBudgetName } from './budget-text.ts';

/** What of a budget is set; the rest stays as it is. @public */
export type BudgetChange = Partial<Omit<Budget, 'name'>>;

/** What a new budget has where nothing is said, as in the configuration. */
const DEFAULTS: Pick<Budget, 'timezone' | 'mode' | 'alertAtRatios' | 'onLowBudget'> = {
  timezone: 'UTC',
  mode: 'hard',
  alertAtRatios: [],
  onLowBudget: 'refuse',
};

/**
 * A budget after a change.
 * @param before - the budget of that name; undefined: there is none, and scope, limit and window must be said.
 * @throws FarthingError `invalid-request` that names what is missing or wrong.
 * @public
 */
export function changedBudget(name: string, before: Budget | undefined, change: BudgetChange): Budget {
  if (!isBudgetName(name)) {
    throw fault('name', 'has 1 to 128 characters, and none of them is "|" or a control character');
  }
  const { scope, limitNanoUsd, window, ...rest } = { ...DEFAULTS, ...before, ...change };
  if (scope === undefined) throw fault('scope', 'is missing: there is no budget of that name yet');
  if (limitNanoUsd === undefined) throw fault('limitUsd', 'is missing: there is no budget of that name yet');
  if (window === undefined) throw fault('window', 'is missing: there is no budget of that name yet');
  const alertAtRatios = [...new Set(rest.alertAtRatios)].toSorted((left, right) => left - right);
  return { ...rest, name, scope, limitNanoUsd, window, alertAtRatios };
}

function fault(field: string, what: string): FarthingError {
  return new FarthingError('invalid-request', `${field} ${what}`, { param: field });
}
