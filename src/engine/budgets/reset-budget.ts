import {
  type BucketAmounts,
  clearingAmounts,
  EMPTY_ACCOUNT,
  type AccountState,
} from '../../core/budget/account-state.ts';
import { onlyAccount } from '../../core/budget/account-figures.ts';
import { type AccountId, accountId, type Budget, budgetDefinition } from '../../core/budget/budget.ts';
import { FarthingError } from '../../core/errors.ts';
import { type NanoUsd, nanoUsd } from '../../core/money.ts';
import type { BudgetStore, BudgetStoreUpkeep } from '../../ports/budget-store.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { BudgetBook } from '../../ports/control-store.ts';

/** What {@link resetBudget} works with. @internal */
export interface ResetBudgetOptions {
  readonly store: Pick<BudgetStore, 'standing'> & Pick<BudgetStoreUpkeep, 'accounts' | 'adjust'>;
  readonly book: Pick<BudgetBook, 'addAdjustment'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a reset did. @internal */
export interface BudgetReset {
  readonly account: AccountId;
  /** What had been used, and counts no more; 0 when nothing had been. */
  readonly clearedNanoUsd: NanoUsd;
}

/**
 * Brings what an account has used to nothing, by an adjustment that is kept beside the ledger: the ledger itself never changes.
 * @param value - the project, key, model or tag value; may be left out where the budget has one account only.
 * @throws FarthingError `invalid-request` without a value where one is needed; `store-unavailable` when the counters are not there, are being
 * built or could not be adjusted: the adjustment may then stand in the book, and `ledger verify --repair` brings it into the counter.
 * @internal
 */
export async function resetBudget(options: ResetBudgetOptions, budget: Budget, value?: string): Promise<BudgetReset> {
  const definition = budgetDefinition(budget);
  const account = accountOf(budget, definition, value);
  const { generation, phase, definitions } = await options.store.standing();
  if (generation === undefined || phase !== 'ready' || !definitions.includes(definition)) {
    throw new FarthingError(
      'store-unavailable',
      'the counters of this budget are not there yet or are being built: try again',
      {
        retryable: true,
      },
    );
  }
  const amounts = nonZero(clearingAmounts(await stateOf(options.store, account)));
  const cleared = -Object.values(amounts).reduce((sum, amount) => sum + amount, 0);
  if (Object.keys(amounts).length > 0) await adjust(options, account, amounts, generation);
  return { account, clearedNanoUsd: nanoUsd(cleared) };
}

function accountOf(budget: Budget, definition: string, value: string | undefined): AccountId {
  const only = onlyAccount(budget);
  const account = value === undefined ? only : accountId(definition, value);
  if (account !== undefined && (only === undefined || account === only)) return account;
  const what =
    account === undefined ? 'has many accounts: say whose is reset' : 'has one account only: leave value out';
  throw new FarthingError('invalid-request', `the budget "${budget.name}" ${what}`, { param: 'value' });
}

async function adjust(
  { store, book, clock, random }: ResetBudgetOptions,
  account: AccountId,
  amounts: BucketAmounts,
  generation: string,
): Promise<void> {
  const adjustmentId = `reset_${random.hex(32)}`;
  await book.addAdjustment({ adjustmentId, accountId: account, atMs: clock.nowMs(), amounts });
  const unfinished =
    'the reset is kept, but the counter may not show it yet: `farthing ledger verify --repair` sets it right';
  try {
    if (await store.adjust(account, adjustmentId, amounts, { generation })) return;
  } catch (cause) {
    throw new FarthingError('store-unavailable', unfinished, { cause });
  }
  throw new FarthingError('store-unavailable', unfinished);
}

async function stateOf(store: Pick<BudgetStoreUpkeep, 'accounts'>, wanted: AccountId): Promise<AccountState> {
  for await (const [account, state] of store.accounts()) if (account === wanted) return state;
  return EMPTY_ACCOUNT;
}

function nonZero(amounts: BucketAmounts): BucketAmounts {
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount !== 0));
}
