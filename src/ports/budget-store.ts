import type { AccountState, BucketAmounts, ExchangeReply, ExchangeRequest } from '../core/budget/account-state.ts';
import type { AccountId } from '../core/budget/budget.ts';

/** A process that spends from budgets. @public */
export interface BudgetOwner {
  readonly ownerId: string;
  /**
   * What it is charged from this Unix time on (the charge's own `atMs`, inclusive) it reports itself; what came before is in the base of
   * the accounts. In milliseconds.
   */
  readonly cutMs: number;
}

/** What the counters of a store are worth. @public */
export interface BudgetStanding {
  /** Undefined: the store is new, or has lost everything. */
  readonly generation: string | undefined;
  /** `building`: owners announce what they hold and somebody adds up the ledger; no money is given out. */
  readonly phase: 'absent' | 'building' | 'ready';
  /** Definitions (`budgetDefinition`) whose history is in the counters. */
  readonly definitions: readonly string[];
  /** Owners that have joined this generation. */
  readonly owners: readonly BudgetOwner[];
}

/** Sent along with an exchange. @public */
export interface ExchangeTerms {
  /** The exchange is refused as `stale` when the counters are of another generation. */
  readonly generation: string;
  /** Most accounts that the account's definition may have; a further one is refused as `full`. */
  readonly maxAccounts: number;
  /**
   * For how long the account is kept when nothing happens on it, in milliseconds, where a store can forget by itself. At least a window, and
   * seven days, for which owners that were folded are remembered. Undefined: for ever.
   */
  readonly keepMs?: number | undefined;
}

/** Sent along with a fold. @public */
export interface FoldTerms {
  readonly generation: string;
  readonly nowMs: number;
  /** As in {@link ExchangeTerms}. */
  readonly keepMs?: number | undefined;
}

/**
 * What a store answers to an exchange: what the account says, or `stale` (another generation: read the standing), `full`
 * (too many accounts of this definition), `created` (the account was not there and nothing was given: look at the standing, and if the
 * generation still is the same, ask again).
 * @public
 */
export type StoreReply =
  | ExchangeReply
  | { readonly kind: 'stale' }
  | { readonly kind: 'full' }
  | { readonly kind: 'created' };

/**
 * Counters of budgets that several processes spend from. Everything in it can be built again from the ledger. A fault is
 * thrown as `store-unavailable` and leaves open whether the operation took place: every operation may be repeated.
 * @public
 */
export interface BudgetStore {
  standing(): Promise<BudgetStanding>;
  /**
   * Lets an owner into a generation, durably. False when the generation is another one, or is ready and the owner has drawn a line (a cut
   * above 0) that whoever built it did not see.
   */
  join(owner: BudgetOwner, generation: string): Promise<boolean>;
  /** {@link ExchangeRequest} on one account, atomically. An account that is not there is empty. */
  exchange(account: AccountId, request: ExchangeRequest, terms: ExchangeTerms): Promise<StoreReply>;
  /** `foldOwner` on one account, atomically. Does nothing under another generation. */
  fold(account: AccountId, ownerId: string, totals: BucketAmounts, terms: FoldTerms): Promise<void>;
  close(): Promise<void>;
}

/** Building, repairing and showing the counters of a {@link BudgetStore}. @public */
export interface BudgetStoreUpkeep {
  /**
   * Begins a new generation in phase `building`, with no accounts and no owners, unless `current` is not the store's generation any more,
   * or another building began less than `patienceMs` ago. True when it was begun, also when it was this very generation that an earlier try
   * began, whose answer was lost.
   */
  begin(
    generation: string,
    definitions: readonly string[],
    current: string | undefined,
    patienceMs: number,
  ): Promise<boolean>;
  /**
   * Sets the base of accounts; for what is not named nothing changes.
   * @param keepMsOf - for how long an account is kept, see {@link ExchangeTerms}.
   */
  install(
    generation: string,
    bases: ReadonlyMap<AccountId, BucketAmounts>,
    keepMsOf?: (account: AccountId) => number | undefined,
  ): Promise<void>;
  /**
   * Makes a generation `ready`. False when it is another one.
   * @param counted - the owners whose lines were seen when the ledger was added up: others that have drawn one are taken off the list, since
   * all that they spent is in the bases. @defaultValue all that have joined
   */
  finish(generation: string, counted?: readonly string[]): Promise<boolean>;
  /** Takes an owner whose accounts are all folded off the list. */
  leave(ownerId: string): Promise<void>;
  /**
   * `adjustAccount` on one account, atomically. False, and nothing is done, under another generation.
   * @param adjustmentId - names the adjustment in the book, where it is kept before. A repeated one is added twice: after a fault the counter
   * is set right from the book, see `verifyBudgets`.
   */
  adjust(
    account: AccountId,
    adjustmentId: string,
    amounts: BucketAmounts,
    terms: Pick<FoldTerms, 'generation'>,
  ): Promise<boolean>;
  accounts(): AsyncIterable<readonly [AccountId, AccountState]>;
}
