import type { BucketAmounts } from '../../core/budget/account-state.ts';
import { AccountTotals, earliestCountedMs } from '../../core/budget/account-totals.ts';
import { type AccountId, budgetDefinition, lifeOfAccountMs, parseDefinition } from '../../core/budget/budget.ts';
import type { BudgetKeeper } from '../../middleware/budget/budget-keeper.ts';
import type { BudgetOwner, BudgetStanding, BudgetStore, BudgetStoreUpkeep } from '../../ports/budget-store.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { BudgetBook } from '../../ports/control-store.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { LedgerOwner, SpendingReader } from '../../ports/ledger.ts';
import { countLedger } from './ledger-count.ts';

/** What {@link BudgetUpkeep} works with. @internal */
export interface BudgetUpkeepOptions {
  readonly store: BudgetStore & BudgetStoreUpkeep;
  readonly ledger: Pick<LedgerOwner, 'livingOwners'> & SpendingReader;
  readonly keeper: BudgetKeeper;
  /** Where resets are kept. Undefined: there are none. */
  readonly book: Pick<BudgetBook, 'adjustments'> | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** Waits for so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** After so long a building that has not come to its end is taken over by somebody else, in milliseconds. */
const BUILD_PATIENCE_MS = 45_000;

/** Pause between two looks for owners that have not joined yet, in milliseconds. */
const JOIN_PAUSE_MS = 25;

/** Tries to add the ledger up while new processes keep starting. */
const MAX_SCANS = 5;

/**
 * Keeps the counters of budgets true: folds owners that are gone into what the ledger says of them, and builds all counters again
 * from the ledger when a store is new, has lost them, or does not know a budget yet. Any process may do it; doing it twice changes nothing.
 * @internal
 */
export class BudgetUpkeep {
  readonly #options: BudgetUpkeepOptions;
  #underWay: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: BudgetUpkeepOptions) {
    this.#options = options;
  }

  /** Does what there is to do. Never rejects; a second call while one is under way waits for that. */
  run(): Promise<void> {
    this.#underWay ??= this.#run()
      .catch((error: unknown) => {
        this.#options.events.emit({ kind: 'store-failed', store: 'budgets', operation: 'upkeep', error });
      })
      .finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  /** Begins nothing more, and waits for nobody. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#underWay;
  }

  async #run(): Promise<void> {
    if (this.#isStopped) return;
    const { store, keeper } = this.#options;
    const standing = await store.standing();
    if (keeper.rebuildReason !== undefined || standing.phase !== 'ready') await this.#rebuild(standing);
    else await this.#foldDeadOwners(standing);
  }

  async #foldDeadOwners(standing: BudgetStanding): Promise<void> {
    if (standing.owners.length === 0) return;
    // In this order: an owner that joins meanwhile is not in the standing, and one that is in it was in the ledger before.
    const { store, ledger } = this.#options;
    const living = new Set(await ledger.livingOwners());
    const dead = standing.owners.filter(({ ownerId }) => !living.has(ownerId));
    // oxlint-disable-next-line no-await-in-loop -- each adds up a part of the ledger: not all at once
    for (const owner of dead) await this.#fold(owner, standing);
    if (dead.length === 0) return;
    const joined = async (): Promise<readonly string[]> =>
      (await store.standing()).owners.map(({ ownerId }) => ownerId);
    await this.#dropStrays(standing.generation ?? '', joined);
  }

  /** The owner is ended, so its rows do not change any more. */
  async #fold({ ownerId, cutMs }: BudgetOwner, standing: BudgetStanding): Promise<void> {
    const { store, ledger, clock } = this.#options;
    const nowMs = clock.nowMs();
    const { definitions, generation = '' } = standing;
    const totals = new AccountTotals(definitions, nowMs);
    // Not from the cut on: a correction has the time of its estimate, which may lie before it.
    const fromMs = earliestCountedMs(definitions, nowMs);
    for await (const row of ledger.spending({ ownerId, fromMs })) if (row.bookedAtMs >= cutMs) totals.add(row);
    const spent = totals.totals();
    const accounts = new Set<AccountId>(spent.keys());
    for await (const [account, state] of store.accounts()) {
      if (state.owners[ownerId] !== undefined) accounts.add(account);
    }
    for (const account of accounts) {
      // oxlint-disable-next-line no-await-in-loop -- a store is not flooded for what has time
      await store.fold(account, ownerId, spent.get(account) ?? {}, {
        generation,
        nowMs,
        keepMs: lifeOfAccountMs(account),
      });
    }
    await store.leave(ownerId);
  }

  async #rebuild(standing: BudgetStanding): Promise<void> {
    const { store, keeper, random, events } = this.#options;
    await keeper.open();
    if (keeper.rebuildReason === undefined && standing.phase !== 'building') return;
    const generation = random.hex(16);
    const isFirst = standing.generation === undefined && keeper.generation === undefined;
    const definitions = definitionsToBuild(standing.definitions, keeper.budgets.map(budgetDefinition));
    if (!(await store.begin(generation, definitions, standing.generation, BUILD_PATIENCE_MS))) return;
    events.emit({ kind: 'budgets-rebuilt', isReady: false, generation, isFirst });
    const sum = await this.#addUp(generation, definitions);
    if (sum === undefined) return; // somebody else has begun anew
    await store.install(generation, sum.bases, lifeOfAccountMs);
    await this.#dropStrays(generation, () => Promise.resolve(sum.counted));
    const isFinished = await store.finish(generation, sum.counted);
    if (isFinished) events.emit({ kind: 'budgets-rebuilt', isReady: true, generation, isFirst });
  }

  /**
   * Frees slices of owners that nobody counts: one that died between saying what it holds and joining, one whose last exchange came after it had been
   * folded. All that such an owner spent has been counted.
   * @param counted - ids of owners whose slices stand; asked for after the slices were looked at, so that nobody who joins meanwhile is missed.
   */
  async #dropStrays(generation: string, counted: () => Promise<readonly string[]>): Promise<void> {
    const { store, ledger, clock } = this.#options;
    const slices: { readonly account: AccountId; readonly ownerId: string }[] = [];
    for await (const [account, state] of store.accounts()) {
      for (const ownerId of Object.keys(state.owners)) slices.push({ account, ownerId });
    }
    const known = new Set([...(await ledger.livingOwners()), ...(await counted())]);
    const nowMs = clock.nowMs();
    for (const { account, ownerId } of slices) {
      if (known.has(ownerId)) continue;
      // oxlint-disable-next-line no-await-in-loop -- hardly ever one
      await store.fold(account, ownerId, {}, { generation, nowMs, keepMs: lifeOfAccountMs(account) });
    }
  }

  async #addUp(
    generation: string,
    definitions: readonly string[],
  ): Promise<
    { readonly bases: ReadonlyMap<AccountId, BucketAmounts>; readonly counted: readonly string[] } | undefined
  > {
    const { ledger, store } = this.#options;
    for (let scans = 1; ; scans += 1) {
      // oxlint-disable-next-line no-await-in-loop -- again only when a process has started meanwhile
      const owners = await this.#joined(generation);
      if (owners === undefined) return undefined;
      // oxlint-disable-next-line no-await-in-loop
      const before = new Set(await ledger.livingOwners());
      // oxlint-disable-next-line no-await-in-loop
      const { bases } = await countLedger(this.#options, definitions, owners, this.#options.clock.nowMs());
      // oxlint-disable-next-line no-await-in-loop
      const [after, standing] = await Promise.all([ledger.livingOwners(), store.standing()]);
      if (standing.generation !== generation) return undefined;
      const counted = owners.map(({ ownerId }) => ownerId);
      // One that was admitted meanwhile may have written rows that were just counted, which it counts itself.
      const areTold = standing.owners.every(({ ownerId, cutMs }) => cutMs > 0 || counted.includes(ownerId));
      if (areTold && (scans >= MAX_SCANS || after.every((ownerId) => before.has(ownerId)))) return { bases, counted };
    }
  }

  /**
   * Waits until every process that lives has drawn its line, for as long as it takes: what one that has not would count could not be told
   * from what is added up here. One that stands still is ended by its lease. Undefined when the generation is not the store's any more, or this stops.
   */
  async #joined(generation: string): Promise<readonly BudgetOwner[] | undefined> {
    const { store, ledger, sleep, keeper } = this.#options;
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- a look after each pause
      await keeper.open();
      // oxlint-disable-next-line no-await-in-loop
      const [living, standing] = await Promise.all([ledger.livingOwners(), store.standing()]);
      if (standing.generation !== generation || this.#isStopped) return undefined;
      const joined = new Set(standing.owners.map(({ ownerId }) => ownerId));
      if (living.every((ownerId) => joined.has(ownerId))) return standing.owners;
      // oxlint-disable-next-line no-await-in-loop
      await sleep(JOIN_PAUSE_MS);
    }
  }
}

/** Those of this process, and those of others under other names: of a budget that was defined anew the old counters go. */
function definitionsToBuild(known: readonly string[], own: readonly string[]): readonly string[] {
  const names = new Set(own.map((definition) => parseDefinition(definition).name));
  return [...own, ...known.filter((definition) => !names.has(parseDefinition(definition).name))];
}
