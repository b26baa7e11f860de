import { expect } from 'vitest';
import type { Budget } from '../../src/core/budget/budget.ts';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { type Budgets, openBudgets } from '../../src/engine/budgets/open-budgets.ts';
import type { Engine } from '../../src/engine/engine-request.ts';
import type { Clock, Random } from '../../src/ports/clock.ts';
import type { EngineEvent, EventSink } from '../../src/ports/event-sink.ts';
import { MemoryBudgetStore } from '../../src/stores/memory/memory-budget-store.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';

/** What an engine of a test writes down, in memory. */
export interface StageBooks {
  readonly records: CallRecord[];
  /** All but finished calls. */
  readonly events: EngineEvent[];
  readonly sink: EventSink;
  readonly ledger: MemoryLedger;
  readonly budgets: Budgets | undefined;
}

/** Opens them; budgets give money when that is done. */
export async function openStageBooks(
  budgets: readonly Budget[] | undefined,
  ports: { readonly clock: Clock; readonly random: Random },
): Promise<StageBooks> {
  const records: CallRecord[] = [];
  const events: EngineEvent[] = [];
  const sink: EventSink = {
    emit: (event) => void (event.kind === 'call-finished' ? records.push(event.record) : events.push(event)),
  };
  const ledger = new MemoryLedger();
  const store = new MemoryBudgetStore(ports);
  const opened = budgets && (await openBudgets({ store, ledger, budgets, events: sink, ...ports }));
  if (opened !== undefined) await expect.poll(() => opened.keeper.isReady).toBe(true);
  return { records, events, sink, ledger, budgets: opened };
}

/** Closes an engine and its books: then no call is under way, no intent open, and nothing went wrong inside. */
export async function closeStage(engine: Engine, { events, ledger, budgets }: StageBooks): Promise<void> {
  await engine.close();
  expect(engine.inFlight()).toBe(0);
  expect(await ledger.openIntents()).toEqual([]);
  expect(events.filter(({ kind }) => kind === 'internal-fault')).toEqual([]);
  await budgets?.close();
  await ledger.close();
}
