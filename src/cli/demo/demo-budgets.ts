import { type Budget, type SpendingFacts, scopeValue } from '../../core/budget/budget.ts';
import type { CallRecord, Charge } from '../../core/model/charge.ts';
import type { ListedBudget } from '../../engine/budgets/list-budgets.ts';

/** How often a budget refused a call, as the gateway's own metrics have it. @internal */
export interface BudgetRefusals {
  /** Answered 402: the money is spent. */
  readonly spent: number;
  /** Answered 429: calls in flight hold it, or there are too many accounts. Clients try again. */
  readonly held: number;
}

/** What became of one budget in a run: its counters beside the ledger. @internal */
export interface BudgetLine {
  readonly name: string;
  /** Of each account. */
  readonly limitNanoUsd: bigint;
  readonly accounts: number;
  /** By the counters, of all accounts together. */
  readonly usedNanoUsd: bigint;
  /** By the charges in the ledger. */
  readonly ledgerNanoUsd: bigint;
  /** Between counter and ledger, without regard to sign, summed over the accounts: errors of two do not cancel out. */
  readonly differenceNanoUsd: bigint;
  readonly fullest: { readonly value: string; readonly usedNanoUsd: bigint };
  /** Accounts whose charges, in their order, were above the limit at any moment. */
  readonly accountsOverLimit: number;
  readonly refused: BudgetRefusals;
}

/** What {@link budgetLines} is drawn from. @internal */
export interface BudgetBooks {
  readonly charges: readonly Charge[];
  readonly budgets: readonly ListedBudget[];
  /** By budget. */
  readonly refusals: ReadonlyMap<string, BudgetRefusals>;
}

/** The budgets of a run, in the configuration's words. */
interface DemoBudget {
  readonly name: string;
  readonly scope: string;
  readonly limitUsd: string;
  readonly window: { readonly rolling: string };
}

/** Dollars that a thousand calls may cost together: more than they do. */
const USD_PER_THOUSAND = 3;
/** What a user may spend when the day has as many calls as `USUAL_CALLS`, in dollars: the heaviest few want more. */
const USER_USD = 0.5;
const USUAL_CALLS = 4000;

/**
 * A budget that the whole day fits into, and one for each user that a few of them do not. They roll, since a calendar day could
 * end while the demo runs.
 * @param userLimitUsd - what each user may spend. Undefined: {@link USER_USD}, more on days with more calls.
 * @internal
 */
export function demoBudgets(calls: number, userLimitUsd: number | undefined): readonly DemoBudget[] {
  const days = Math.max(1, calls / USUAL_CALLS);
  const allUsd = (days * USUAL_CALLS * USD_PER_THOUSAND) / 1000;
  const window = { rolling: '24h' };
  return [
    { name: 'everything', scope: 'all', limitUsd: allUsd.toFixed(2), window },
    { name: 'per-user', scope: 'tag:user', limitUsd: (userLimitUsd ?? USER_USD * days).toFixed(4), window },
  ];
}

/** Holds counters and ledger beside each other. @internal */
export function budgetLines({ charges, budgets, refusals }: BudgetBooks): readonly BudgetLine[] {
  return budgets.map(({ figures: { budget, accounts } }) => {
    const spent = spentByValue(budget, charges);
    const used = new Map(accounts.map(({ value, usedNanoUsd }) => [value, BigInt(usedNanoUsd)]));
    const values = new Set([...spent.keys(), ...used.keys()]);
    const differences = [...values].map((value) => (used.get(value) ?? 0n) - (spent.get(value)?.total ?? 0n));
    const [fullest] = accounts;
    return {
      name: budget.name,
      limitNanoUsd: BigInt(budget.limitNanoUsd),
      accounts: values.size,
      usedNanoUsd: sumOf([...used.values()]),
      ledgerNanoUsd: sumOf([...spent.values()].map(({ total }) => total)),
      differenceNanoUsd: sumOf(differences.map((difference) => (difference < 0n ? -difference : difference))),
      fullest: { value: fullest?.value ?? '', usedNanoUsd: BigInt(fullest?.usedNanoUsd ?? 0) },
      accountsOverLimit: [...spent.values()].filter(({ most }) => most > BigInt(budget.limitNanoUsd)).length,
      refused: refusals.get(budget.name) ?? { spent: 0, held: 0 },
    };
  });
}

/** The calls that a budget refused with 402. @internal */
export interface RefusedCalls {
  readonly calls: number;
  readonly users: number;
  /** What they cost all the same: nothing. */
  readonly costNanoUsd: bigint;
}

/** Draws up {@link RefusedCalls}. @internal */
export function refusedCalls(records: readonly CallRecord[], charges: readonly Charge[]): RefusedCalls {
  const refused = records.filter(({ status }) => status === 402);
  const ids = new Set(refused.map(({ callId }) => callId));
  return {
    calls: refused.length,
    users: new Set(refused.map(({ tags }) => tags['user'])).size,
    costNanoUsd: sumOf(
      charges.filter(({ callId }) => ids.has(callId)).map(({ amountNanoUsd }) => BigInt(amountNanoUsd ?? 0)),
    ),
  };
}

interface Spent {
  total: bigint;
  /** The highest that the total ever was. */
  most: bigint;
}

function spentByValue(budget: Budget, charges: readonly Charge[]): ReadonlyMap<string, Spent> {
  const spent = new Map<string, Spent>();
  for (const charge of charges.toSorted((left, right) => left.atMs - right.atMs)) {
    const value = scopeValue(budget.scope, charge satisfies SpendingFacts);
    if (value === undefined) continue;
    const account = spent.get(value) ?? { total: 0n, most: 0n };
    account.total += BigInt(charge.amountNanoUsd ?? 0);
    if (account.total > account.most) account.most = account.total;
    spent.set(value, account);
  }
  return spent;
}

function sumOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

const REFUSALS = /^farthing_budget_refusals_total\{budget="([^"]*)",reason="([^"]*)"\} (\d+)$/gm;

/** Reads the refusals from what `/metrics` answers. @internal */
export function refusalsOf(metrics: string): ReadonlyMap<string, BudgetRefusals> {
  const refusals = new Map<string, BudgetRefusals>();
  for (const [, budget = '', reason, count] of metrics.matchAll(REFUSALS)) {
    const { spent, held } = refusals.get(budget) ?? { spent: 0, held: 0 };
    const isSpent = reason === 'spent';
    refusals.set(budget, { spent: spent + (isSpent ? Number(count) : 0), held: held + (isSpent ? 0 : Number(count)) });
  }
  return refusals;
}
