import { equal } from 'node:assert/strict';
import type { AccountState, BucketAmounts, ExchangeReply, ExchangeRequest } from '../core/budget/account-state.ts';
import { type AccountId, accountId } from '../core/budget/budget.ts';
import { nanoUsd } from '../core/money.ts';
import type { BudgetStore, BudgetStoreUpkeep, ExchangeTerms, StoreReply } from '../ports/budget-store.ts';

/** A store of budgets with its upkeep. @public */
export type KeptBudgetStore = BudgetStore & BudgetStoreUpkeep;

/** A budget with one account. @internal */
export const DEFINITION = 'team|all|day|UTC';
/** A budget with an account for each user. @internal */
export const OTHER = 'people|tag%3Auser|total|UTC';
/** The account of {@link DEFINITION}. @internal */
export const ACCOUNT: AccountId = accountId(DEFINITION, '');
/** What most exchanges are sent with. @internal */
export const TERMS: ExchangeTerms = { generation: 'g1', maxAccounts: 100 };
/** Longer than any of the cases takes. @internal */
export const LONG_MS = 60_000;

/** Makes generation `g1` ready. @internal */
export async function makeReady(store: KeptBudgetStore): Promise<void> {
  equal(await store.begin('g1', [DEFINITION, OTHER], undefined, LONG_MS), true);
  equal(await store.finish('g1'), true);
}

/** Exchanges as a caller does: an account that was only just made is asked again once the generation was looked at. @internal */
export async function ask(
  store: KeptBudgetStore,
  request: ExchangeRequest,
  account: AccountId = ACCOUNT,
  terms: ExchangeTerms = TERMS,
): Promise<Exclude<StoreReply, { readonly kind: 'created' }>> {
  const reply = await store.exchange(account, request, terms);
  if (reply.kind !== 'created') return reply;
  equal((await store.standing()).generation, terms.generation);
  const second = await store.exchange(account, request, terms);
  if (second.kind === 'created') throw new Error('an account is made once');
  return second;
}

/** All accounts of a store. @internal */
export async function accountsOf(store: KeptBudgetStore): Promise<ReadonlyMap<AccountId, AccountState>> {
  const accounts = new Map<AccountId, AccountState>();
  for await (const [account, state] of store.accounts()) accounts.set(account, state);
  return accounts;
}

/** The reply of an exchange that took place. @internal */
export function held(reply: StoreReply): Extract<ExchangeReply, { readonly kind: 'held' }> {
  if (reply.kind !== 'held') throw new Error(`held was expected, not ${reply.kind}`);
  return reply;
}

/** Amounts by bucket. @internal */
export function amounts(entries: Readonly<Record<string, number>>): BucketAmounts {
  return Object.fromEntries(Object.entries(entries).map(([bucket, amount]) => [bucket, nanoUsd(amount)]));
}
