import {
  type AccountState,
  adjustAccount,
  type BucketAmounts,
  EMPTY_ACCOUNT,
  exchange,
  type ExchangeRequest,
  foldOwner,
} from '../../core/budget/account-state.ts';
import { type AccountId, accountParts } from '../../core/budget/budget.ts';
import type {
  BudgetOwner,
  BudgetStanding,
  BudgetStore,
  BudgetStoreUpkeep,
  ExchangeTerms,
  StoreReply,
} from '../../ports/budget-store.ts';
import type { Clock } from '../../ports/clock.ts';

const ABSENT: BudgetStanding = { generation: undefined, phase: 'absent', definitions: [], owners: [] };

/**
 * Counters of budgets in this process's memory. With a ledger in memory the budgets of a program's run; also the reference that other stores
 * are compared with.
 * @public
 */
export class MemoryBudgetStore implements BudgetStore, BudgetStoreUpkeep {
  readonly #clock: Clock;
  readonly #accounts = new Map<AccountId, AccountState>();
  readonly #counts = new Map<string, number>();
  #standing: BudgetStanding = ABSENT;
  readonly #left = new Set<string>();
  #begunAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  async standing(): Promise<BudgetStanding> {
    return this.#standing;
  }

  async join(owner: BudgetOwner, generation: string): Promise<boolean> {
    if (this.#standing.generation !== generation) return false;
    const isKnown = this.#standing.owners.some(({ ownerId }) => ownerId === owner.ownerId);
    if (this.#standing.phase === 'ready' && owner.cutMs > 0 && !isKnown) return false;
    const others = this.#standing.owners.filter(({ ownerId }) => ownerId !== owner.ownerId);
    this.#standing = { ...this.#standing, owners: [...others, owner] };
    return true;
  }

  async exchange(account: AccountId, request: ExchangeRequest, terms: ExchangeTerms): Promise<StoreReply> {
    if (this.#standing.generation !== terms.generation) return { kind: 'stale' };
    if (this.#left.has(request.ownerId)) return { kind: 'fenced' };
    const known = this.#accounts.get(account);
    if (known === undefined) {
      const { definition } = accountParts(account);
      const count = this.#counts.get(definition) ?? 0;
      if (count >= terms.maxAccounts) return { kind: 'full' };
      this.#counts.set(definition, count + 1);
    }
    const { state, reply } = exchange(known ?? EMPTY_ACCOUNT, request);
    this.#accounts.set(account, state);
    return reply;
  }

  async fold(
    account: AccountId,
    ownerId: string,
    totals: BucketAmounts,
    terms: { readonly generation: string; readonly nowMs: number },
  ): Promise<void> {
    if (this.#standing.generation !== terms.generation) return;
    this.#accounts.set(account, foldOwner(this.#accounts.get(account) ?? EMPTY_ACCOUNT, ownerId, totals, terms.nowMs));
  }

  async begin(
    generation: string,
    definitions: readonly string[],
    current: string | undefined,
    patienceMs: number,
  ): Promise<boolean> {
    if (this.#standing.generation === generation) return true;
    const nowMs = this.#clock.nowMs();
    const isBusy = this.#standing.phase === 'building' && nowMs - this.#begunAtMs < patienceMs;
    if (this.#standing.generation !== current || isBusy) return false;
    this.#accounts.clear();
    this.#counts.clear();
    this.#left.clear();
    this.#begunAtMs = nowMs;
    this.#standing = { generation, phase: 'building', definitions, owners: [] };
    return true;
  }

  async install(generation: string, bases: ReadonlyMap<AccountId, BucketAmounts>): Promise<void> {
    if (this.#standing.generation !== generation) return;
    for (const [account, base] of bases) {
      this.#accounts.set(account, { ...(this.#accounts.get(account) ?? EMPTY_ACCOUNT), base });
    }
  }

  async finish(generation: string, counted?: readonly string[]): Promise<boolean> {
    if (this.#standing.generation !== generation) return false;
    const { owners } = this.#standing;
    const kept = owners.filter(({ ownerId, cutMs }) => cutMs === 0 || counted?.includes(ownerId) !== false);
    this.#standing = { ...this.#standing, phase: 'ready', owners: kept };
    return true;
  }

  async leave(ownerId: string): Promise<void> {
    this.#left.add(ownerId);
    this.#standing = { ...this.#standing, owners: this.#standing.owners.filter((owner) => owner.ownerId !== ownerId) };
  }

  async adjust(
    account: AccountId,
    _adjustmentId: string,
    amounts: BucketAmounts,
    terms: { readonly generation: string },
  ): Promise<boolean> {
    if (this.#standing.generation !== terms.generation) return false;
    this.#accounts.set(account, adjustAccount(this.#accounts.get(account) ?? EMPTY_ACCOUNT, amounts));
    return true;
  }

  async *accounts(): AsyncIterable<readonly [AccountId, AccountState]> {
    yield* Array.from(this.#accounts);
  }

  async close(): Promise<void> {
    this.#accounts.clear();
    this.#standing = ABSENT;
  }
}
