import { type NanoUsd, nanoUsd } from '../money.ts';
import { type AccountState, EMPTY_ACCOUNT, heldOf, oldestOf, usedOf } from './account-state.ts';
import { type AccountId, accountId, accountParts, type Budget, budgetDefinition } from './budget.ts';
import { resetsAtMs, windowPosition } from './budget-window.ts';

/** What an account looks like to people. @public */
export interface AccountFigures {
  readonly account: AccountId;
  /** The project, key, model or tag value; empty for the scope `all`. */
  readonly value: string;
  /** Spent in the window, as far as processes have reported it. */
  readonly usedNanoUsd: NanoUsd;
  /** Held by processes, for calls under way and calls to come. */
  readonly heldNanoUsd: NanoUsd;
  /** The limit without what was used; never negative. What is held is not taken off. */
  readonly leftNanoUsd: NanoUsd;
  /** When money comes free; undefined where it never does by itself, or nothing was spent. */
  readonly resetsAtMs: number | undefined;
}

/** The figures of an account at a moment. @public */
export function accountFigures(budget: Budget, account: AccountId, state: AccountState, nowMs: number): AccountFigures {
  const position = windowPosition(budget.window, budget.timezone, nowMs);
  const floorBucket = Math.max(position.floorBucket, state.floorBucket);
  const usedNanoUsd = usedOf(state, floorBucket);
  return {
    account,
    value: accountParts(account).value,
    usedNanoUsd,
    heldNanoUsd: heldOf(state),
    leftNanoUsd: nanoUsd(Math.max(0, budget.limitNanoUsd - usedNanoUsd)),
    resetsAtMs: resetsAtMs(budget.window, position, oldestOf(state, floorBucket)),
  };
}

/** The one account that a budget can have, where that is so. @public */
export function onlyAccount(budget: Budget): AccountId | undefined {
  const { scope } = budget;
  if (scope.kind === 'all') return accountId(budgetDefinition(budget), '');
  if (scope.kind === 'tag' || scope.name === undefined) return undefined;
  return accountId(budgetDefinition(budget), scope.name);
}

/** How many accounts a budget has, and those that have used most. @public */
export interface BudgetFigures {
  readonly budget: Budget;
  readonly accountCount: number;
  readonly accounts: readonly AccountFigures[];
}

/** Which accounts {@link FiguresOfBudgets} keeps. @public */
export interface FiguresQuery {
  readonly nowMs: number;
  /** Most accounts of each budget; the others are counted. */
  readonly limit: number;
  /** Only accounts of this project, key, model or tag value. */
  readonly value?: string | undefined;
}

/** Sorts accounts by budget and keeps those that have used most; its memory does not grow with the number of accounts. @public */
export class FiguresOfBudgets {
  readonly #query: FiguresQuery;
  readonly #rows: ReadonlyMap<string, { readonly budget: Budget; count: number; kept: AccountFigures[] }>;

  constructor(budgets: readonly Budget[], query: FiguresQuery) {
    this.#query = query;
    this.#rows = new Map(budgets.map((budget) => [budgetDefinition(budget), { budget, count: 0, kept: [] }]));
  }

  add(account: AccountId, state: AccountState): void {
    const { definition, value } = accountParts(account);
    const row = this.#rows.get(definition);
    if (row === undefined || (this.#query.value !== undefined && this.#query.value !== value)) return;
    row.count += 1;
    row.kept.push(accountFigures(row.budget, account, state, this.#query.nowMs));
    if (row.kept.length >= 2 * this.#query.limit + 64) row.kept = this.#top(row.kept);
  }

  /** Highest use first. A budget that can have one account only has it here, spent from or not. */
  figures(): readonly BudgetFigures[] {
    return [...this.#rows.values()].map(({ budget, count, kept }) => {
      const only = count === 0 ? onlyAccount(budget) : undefined;
      if (only === undefined) return { budget, accountCount: count, accounts: this.#top(kept) };
      const empty = accountFigures(budget, only, EMPTY_ACCOUNT, this.#query.nowMs);
      const isWanted = this.#query.value === undefined || this.#query.value === empty.value;
      return { budget, accountCount: isWanted ? 1 : 0, accounts: isWanted ? [empty] : [] };
    });
  }

  #top(kept: readonly AccountFigures[]): AccountFigures[] {
    return kept.toSorted(byUse).slice(0, this.#query.limit);
  }
}

function byUse(left: AccountFigures, right: AccountFigures): number {
  return right.usedNanoUsd - left.usedNanoUsd || (left.value < right.value ? -1 : 1);
}
