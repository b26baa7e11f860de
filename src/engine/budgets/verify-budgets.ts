import {
  type AccountState,
  type BucketAmounts,
  EMPTY_ACCOUNT,
  plus,
  sumFrom,
} from '../../core/budget/account-state.ts';
import { type AccountId, accountParts, lifeOfAccountMs, parseDefinition } from '../../core/budget/budget.ts';
import { windowPosition } from '../../core/budget/budget-window.ts';
import { FarthingError } from '../../core/errors.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../core/money.ts';
import type { BudgetStanding, BudgetStore, BudgetStoreUpkeep } from '../../ports/budget-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BudgetBook } from '../../ports/control-store.ts';
import type { SpendingReader } from '../../ports/ledger.ts';
import { countLedger, type LedgerCount } from './ledger-count.ts';

/** What {@link verifyBudgets} compares. @internal */
export interface VerifyBudgetsOptions {
  readonly store: Pick<BudgetStore, 'standing' | 'fold'> & Pick<BudgetStoreUpkeep, 'accounts' | 'install'>;
  readonly ledger: SpendingReader;
  /** Ids of the ledger's owners that have not been ended. */
  readonly livingOwners: () => Promise<readonly string[]>;
  readonly book: Pick<BudgetBook, 'adjustments' | 'budgetsVersion'> | undefined;
  readonly clock: Clock;
  /** Waits for so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * A difference between a counter and the ledger. `base`: what is counted of owners that are gone; a repair sets it. `reported`: a process
 * that lives has reported more than the ledger has of it; it has to be started again. `stray`: money is held for an owner that is gone and
 * never joined; a repair takes it away.
 * @internal
 */
export interface BudgetDrift {
  readonly account: AccountId;
  readonly cause: 'base' | 'reported' | 'stray';
  /** Of `reported` and `stray`. */
  readonly ownerId: string | undefined;
  /** As the ledger says, in the window. */
  readonly expectedNanoUsd: NanoUsd;
  /** As the counter says. */
  readonly foundNanoUsd: NanoUsd;
}

/** What a look at the counters showed. @internal */
export interface BudgetVerification {
  /** `absent`: there are no counters yet; a gateway builds them when it starts. */
  readonly phase: 'absent' | 'ready';
  readonly accountCount: number;
  readonly drifts: readonly BudgetDrift[];
  /** In the ledger, and not reported yet by the processes that spent it: no drift. By account, without zeros. */
  readonly unreported: ReadonlyMap<AccountId, NanoUsd>;
}

/** A verification, and what it needs to mend what it found. */
interface Look extends BudgetVerification {
  readonly generation: string;
  readonly bases: ReadonlyMap<AccountId, BucketAmounts>;
}

/** How often it is looked again while processes come and go, and the pause between, in milliseconds. */
const MAX_LOOKS = 40;
const LOOK_PAUSE_MS = 250;

/** After so long what looked like drift is looked at again: a reset or a report may have been half done. In milliseconds. */
const CONFIRM_MS = 600;

const MAX_REPAIRS = 3;

/**
 * Compares every counter with the ledger. What the processes that live report themselves may lag behind: that is no drift.
 * @throws FarthingError `store-unavailable`, also when counters are being built for longer than it waits.
 * @internal
 */
export async function verifyBudgets(options: VerifyBudgetsOptions): Promise<BudgetVerification> {
  return confirmedLook(options);
}

/**
 * Sets counters to what the ledger says, and verifies again.
 * @returns what was found before and what is left.
 * @throws FarthingError `store-unavailable`
 * @internal
 */
export async function repairBudgets(
  options: VerifyBudgetsOptions,
): Promise<{ readonly found: BudgetVerification; readonly left: BudgetVerification }> {
  const found = await confirmedLook(options);
  let left = found;
  for (let repairs = 0; repairs < MAX_REPAIRS && left.drifts.some(isRepairable); repairs += 1) {
    // oxlint-disable-next-line no-await-in-loop -- a further repair where an owner was folded under the first
    await mend(options, left);
    // oxlint-disable-next-line no-await-in-loop
    left = await confirmedLook(options);
  }
  return { found, left };
}

/** Whether {@link repairBudgets} can mend it. @internal */
export function isRepairable({ cause }: BudgetDrift): boolean {
  return cause !== 'reported';
}

async function mend({ store, clock }: VerifyBudgetsOptions, { generation, drifts, bases }: Look): Promise<void> {
  for (const { account, ownerId = '' } of drifts.filter(({ cause }) => cause === 'stray')) {
    const terms = { generation, nowMs: clock.nowMs(), keepMs: lifeOfAccountMs(account) };
    // oxlint-disable-next-line no-await-in-loop -- a few
    await store.fold(account, ownerId, {}, terms);
  }
  const wrong = drifts.filter(({ cause }) => cause === 'base').map(({ account }) => account);
  await store.install(
    generation,
    new Map(wrong.map((account) => [account, bases.get(account) ?? {}])),
    lifeOfAccountMs,
  );
}

/** Drift that two looks agree on. */
async function confirmedLook(options: VerifyBudgetsOptions): Promise<Look> {
  const first = await stableLook(options);
  if (first.drifts.length === 0) return first;
  await options.sleep(CONFIRM_MS);
  const second = await stableLook(options);
  const before = new Set(first.drifts.map(driftKey));
  return { ...second, drifts: second.drifts.filter((drift) => before.has(driftKey(drift))) };
}

function driftKey({ account, cause, ownerId, expectedNanoUsd, foundNanoUsd }: BudgetDrift): string {
  const difference = cause === 'base' ? foundNanoUsd - expectedNanoUsd : 0;
  return [cause, ownerId, difference, account].join(' ');
}

/** A look during which no owner joined or left and nothing was reset. */
async function stableLook(options: VerifyBudgetsOptions): Promise<Look> {
  const { store, book, clock, sleep } = options;
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    /* oxlint-disable no-await-in-loop -- one look after the other */
    const version = await book?.budgetsVersion();
    const standing = await store.standing();
    if (standing.phase === 'absent') return nothingThere();
    if (standing.phase === 'ready') {
      // Accounts first: what is reported in them is in the ledger by then.
      const accounts = new Map<AccountId, AccountState>();
      for await (const [account, state] of store.accounts()) accounts.set(account, state);
      const living = new Set(await options.livingOwners());
      const nowMs = clock.nowMs();
      const count = await countLedger({ ledger: options.ledger, book }, standing.definitions, standing.owners, nowMs);
      const isSame = signature(await store.standing()) === signature(standing);
      if (isSame && version === (await book?.budgetsVersion()))
        return compare(standing, accounts, count, living, nowMs);
    }
    await sleep(LOOK_PAUSE_MS);
    /* oxlint-enable no-await-in-loop */
  }
  throw new FarthingError('store-unavailable', 'the counters of budgets are being built: try again in a moment', {
    retryable: true,
  });
}

function nothingThere(): Look {
  return { phase: 'absent', generation: '', accountCount: 0, drifts: [], unreported: new Map(), bases: new Map() };
}

function signature({ generation, phase, owners }: BudgetStanding): string {
  const joined = owners.map(({ ownerId, cutMs }) => `${ownerId}@${cutMs}`).toSorted();
  return [generation, phase, ...joined].join(' ');
}

function compare(
  standing: BudgetStanding,
  accounts: ReadonlyMap<AccountId, AccountState>,
  count: LedgerCount,
  living: ReadonlySet<string>,
  nowMs: number,
): Look {
  const bases = new Map(count.bases);
  const drifts: BudgetDrift[] = [];
  const unreported = new Map<AccountId, NanoUsd>();
  const joined = new Set(standing.owners.map(({ ownerId }) => ownerId));
  const named = new Set([...accounts.keys(), ...bases.keys()]);
  for (const share of count.shares.values()) for (const account of share.keys()) named.add(account);
  const floorOf = floors(standing.definitions, nowMs);
  for (const account of named) {
    const state = accounts.get(account) ?? EMPTY_ACCOUNT;
    const windowFloor = floorOf(account);
    if (windowFloor === undefined) continue; // of a budget that these counters do not have
    const floor = Math.max(windowFloor, state.floorBucket);
    for (const [ownerId, share] of count.shares) {
      const spent = share.get(account) ?? {};
      if (state.folded[ownerId] !== undefined) bases.set(account, plus(bases.get(account) ?? {}, spent));
      else addTo(unreported, account, compareShare(drifts, account, ownerId, state, spent, floor));
    }
    for (const ownerId of Object.keys(state.owners)) {
      if (!joined.has(ownerId) && !living.has(ownerId)) drifts.push(stray(account, ownerId, state, floor));
    }
    const base = bases.get(account) ?? {};
    if (!isSameFrom(base, state.base, floor)) drifts.push(driftOf(account, 'base', undefined, base, state.base, floor));
  }
  return {
    phase: 'ready',
    generation: standing.generation ?? '',
    accountCount: accounts.size,
    drifts,
    unreported: new Map([...unreported].filter(([, amount]) => amount !== 0)),
    bases,
  };
}

/** What an owner has not reported yet. */
function compareShare(
  drifts: BudgetDrift[],
  account: AccountId,
  ownerId: string,
  state: AccountState,
  spent: BucketAmounts,
  floor: number,
): number {
  const reported = state.owners[ownerId]?.settled ?? {};
  const rest = sumFrom(spent, floor) - sumFrom(reported, floor);
  if (rest >= 0) return rest;
  drifts.push(driftOf(account, 'reported', ownerId, spent, reported, floor));
  return 0;
}

function stray(account: AccountId, ownerId: string, state: AccountState, floor: number): BudgetDrift {
  const share = state.owners[ownerId];
  const found = nanoUsd((share?.heldNanoUsd ?? 0) + sumFrom(share?.settled ?? {}, floor));
  return { account, cause: 'stray', ownerId, expectedNanoUsd: ZERO_USD, foundNanoUsd: found };
}

function driftOf(
  account: AccountId,
  cause: BudgetDrift['cause'],
  ownerId: string | undefined,
  expected: BucketAmounts,
  found: BucketAmounts,
  floor: number,
): BudgetDrift {
  const [expectedNanoUsd, foundNanoUsd] = [nanoUsd(sumFrom(expected, floor)), nanoUsd(sumFrom(found, floor))];
  return { account, cause, ownerId, expectedNanoUsd, foundNanoUsd };
}

function isSameFrom(left: BucketAmounts, right: BucketAmounts, floor: number): boolean {
  const buckets = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...buckets].every((bucket) => Number(bucket) < floor || (left[bucket] ?? 0) === (right[bucket] ?? 0));
}

/** The first bucket that counts now, by account. */
function floors(definitions: readonly string[], nowMs: number): (account: AccountId) => number | undefined {
  const byDefinition = new Map(
    definitions.map((definition) => {
      const { window, timezone } = parseDefinition(definition);
      return [definition, windowPosition(window, timezone, nowMs).floorBucket];
    }),
  );
  return (account) => byDefinition.get(accountParts(account).definition);
}

function addTo(sums: Map<AccountId, NanoUsd>, account: AccountId, amount: number): void {
  sums.set(account, nanoUsd((sums.get(account) ?? 0) + amount));
}
