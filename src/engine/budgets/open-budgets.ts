import { setTimeout as delay } from 'node:timers/promises';
import type { Budget } from '../../core/budget/budget.ts';
import { BudgetKeeper } from '../../middleware/budget/budget-keeper.ts';
import type { BudgetStore, BudgetStoreUpkeep } from '../../ports/budget-store.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { BudgetBook } from '../../ports/control-store.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { LedgerOwner, SpendingReader } from '../../ports/ledger.ts';
import { guardedEvents } from '../guarded-events.ts';
import { BudgetUpkeep } from './budget-upkeep.ts';

/** What budgets are counted with. @public */
export interface OpenBudgetsOptions {
  readonly store: BudgetStore & BudgetStoreUpkeep;
  readonly ledger: LedgerOwner & SpendingReader;
  /** Where budgets that were set at run time, and resets, are kept. @defaultValue nowhere */
  readonly book?: BudgetBook | undefined;
  readonly budgets: readonly Budget[];
  /** Most accounts of one budget. @defaultValue {@link DEFAULT_MAX_TAG_VALUES} */
  readonly maxAccounts?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
}

/** Different values of a tag that a budget counts apart, as `limits.maxTagValues` of the configuration. @public */
export const DEFAULT_MAX_TAG_VALUES = 100_000;

/** Budgets of one process. One of it for each ledger that is open, whatever number of engines share it. @public */
export interface Budgets {
  /** @internal */
  readonly keeper: BudgetKeeper;
  /** Whether money can be given out now. */
  readonly isReady: boolean;
  /** Counts other budgets from now on; see `BudgetKeeper.setBudgets`. */
  setBudgets(budgets: readonly Budget[]): void;
  /** Reports what was spent, gives slices back and stops. */
  close(): Promise<void>;
}

/** How often waiting calls are looked at and spending is reported, in milliseconds. */
const TICK_MS = 50;

/** For how long a start waits for counters to be built, in milliseconds: a process that does not answer must not keep another from starting. */
const START_PATIENCE_MS = 1000;

/** How often dead owners are looked for, in milliseconds, while nothing is amiss. */
const UPKEEP_MS = 1000;

/**
 * Joins the counters of a store, building them from the ledger where they are not there yet.
 * Resolves when money can be given out, or when that has failed once: it is tried again for ever.
 * @internal
 */
export async function openBudgets(options: OpenBudgetsOptions): Promise<Budgets> {
  const events = guardedEvents(options.events);
  const keeper = new BudgetKeeper({
    ...options,
    events,
    maxAccounts: options.maxAccounts ?? DEFAULT_MAX_TAG_VALUES,
  });
  const upkeep = new BudgetUpkeep({
    ...options,
    events,
    book: options.book,
    keeper,
    // Keeps the process alive: one that starts, or stops, has nothing else that would.
    sleep: (ms) => delay(ms),
  });
  await keeper.open();
  const patience = new AbortController();
  await Promise.race([upkeep.run(), delay(START_PATIENCE_MS, undefined, { signal: patience.signal })]).finally(() =>
    patience.abort(),
  );
  await keeper.open();
  let lastUpkeepAt = options.clock.monotonicMs();
  const timer = setInterval(() => {
    keeper.tick();
    const nowAt = options.clock.monotonicMs();
    if (keeper.isReady && nowAt - lastUpkeepAt < UPKEEP_MS) return;
    lastUpkeepAt = nowAt;
    void upkeep.run();
  }, TICK_MS).unref();
  return {
    keeper,
    get isReady() {
      return keeper.isReady;
    },
    setBudgets: (budgets) => keeper.setBudgets(budgets),
    async close() {
      clearInterval(timer);
      await upkeep.stop();
      await keeper.settleDown(true);
    },
  };
}
