import type { BucketAmounts } from '../../core/budget/account-state.ts';
import type { AccountId, Budget, BudgetScope, BudgetWindow } from '../../core/budget/budget.ts';
import { FarthingError } from '../../core/errors.ts';
import type { BudgetAdjustment } from '../../ports/control-store.ts';

/** For how long announcements are kept, in milliseconds: a process that hears nothing for longer starts anew. @internal */
export const ANNOUNCEMENT_LIFE_MS: number = 24 * 3_600_000;

/** How many announcements are read at once. @internal */
export const ANNOUNCEMENTS_PAGE = 1_000;

type Fields = Readonly<Record<string, unknown>>;

const SCOPES: ReadonlySet<unknown> = new Set<BudgetScope['kind']>(['all', 'project', 'key', 'model', 'tag']);
const WINDOWS: ReadonlySet<unknown> = new Set<BudgetWindow['kind']>(['calendar', 'rolling', 'total']);

function corrupt(cause?: unknown): FarthingError {
  const details = cause === undefined ? {} : { cause };
  return new FarthingError('store-unavailable', 'the store holds a budget that this program cannot read', details);
}

function fieldsFrom(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt();
  return value as Fields;
}

function fieldsOf(text: string): Fields {
  try {
    return fieldsFrom(JSON.parse(text));
  } catch (error) {
    throw corrupt(error);
  }
}

/** JSON leaves out the name of a scope that has none. */
function scopeFrom(scope: Fields): unknown {
  return scope['kind'] === 'all' ? scope : { name: undefined, ...scope };
}

/** A budget from its JSON. @throws FarthingError `store-unavailable` when it is none. @internal */
export function budgetFrom(text: string): Budget {
  const fields = fieldsOf(text);
  const scope = fieldsFrom(fields['scope']);
  const isBudget =
    typeof fields['name'] === 'string' &&
    SCOPES.has(scope['kind']) &&
    WINDOWS.has(fieldsFrom(fields['window'])['kind']) &&
    Number.isSafeInteger(fields['limitNanoUsd']) &&
    typeof fields['timezone'] === 'string' &&
    (fields['mode'] === 'hard' || fields['mode'] === 'soft') &&
    Array.isArray(fields['alertAtRatios']) &&
    (fields['onLowBudget'] === 'lower' || fields['onLowBudget'] === 'refuse');
  if (!isBudget) throw corrupt();
  return { ...fields, scope: scopeFrom(scope) } as unknown as Budget;
}

/** An adjustment from its row. @throws FarthingError `store-unavailable` when its amounts are none. @internal */
export function adjustmentFrom(adjustmentId: string, accountId: string, atMs: number, text: string): BudgetAdjustment {
  const amounts = fieldsOf(text);
  if (!Object.values(amounts).every(Number.isSafeInteger)) throw corrupt();
  return { adjustmentId, accountId: accountId as AccountId, atMs, amounts: amounts as BucketAmounts };
}
