import { type BucketAmounts, plus } from '../../core/budget/account-state.ts';
import { AccountTotals, earliestCountedMs } from '../../core/budget/account-totals.ts';
import { type AccountId, accountParts } from '../../core/budget/budget.ts';
import type { BudgetOwner } from '../../ports/budget-store.ts';
import type { BudgetBook } from '../../ports/control-store.ts';
import type { SpendingReader } from '../../ports/ledger.ts';

/** What the ledger is counted from. @internal */
export interface LedgerCountSource {
  readonly ledger: SpendingReader;
  /** Where resets are kept. Undefined: there are none. */
  readonly book: Pick<BudgetBook, 'adjustments'> | undefined;
}

/** What counters must be, as the ledger says. @internal */
export interface LedgerCount {
  /** What belongs into the base of accounts: what owners that have not joined spent, and those that have before their cut, and adjustments. */
  readonly bases: Map<AccountId, BucketAmounts>;
  /** What owners that have joined spent from their cut on, by owner: they report it themselves. */
  readonly shares: ReadonlyMap<string, ReadonlyMap<AccountId, BucketAmounts>>;
}

/**
 * Adds the ledger up for the counters of some definitions.
 * @param owners - those that have joined the counters' generation.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function countLedger(
  { ledger, book }: LedgerCountSource,
  definitions: readonly string[],
  owners: readonly BudgetOwner[],
  nowMs: number,
): Promise<LedgerCount> {
  const totals = new AccountTotals(definitions, nowMs);
  const joined = new Map(
    owners.map(({ ownerId, cutMs }) => [ownerId, { cutMs, totals: new AccountTotals(definitions, nowMs) }]),
  );
  for await (const row of ledger.spending({ fromMs: earliestCountedMs(definitions, nowMs) })) {
    const owner = row.ownerId === undefined ? undefined : joined.get(row.ownerId);
    (owner === undefined || row.bookedAtMs < owner.cutMs ? totals : owner.totals).add(row);
  }
  const bases = totals.totals();
  const known = new Set(definitions);
  for (const { accountId, amounts } of (await book?.adjustments()) ?? []) {
    if (known.has(accountParts(accountId).definition)) bases.set(accountId, plus(bases.get(accountId) ?? {}, amounts));
  }
  return { bases, shares: new Map([...joined].map(([ownerId, share]) => [ownerId, share.totals.totals()])) };
}
