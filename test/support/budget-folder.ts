import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Budget } from '../../src/core/budget/budget.ts';
import { parseUsd } from '../../src/core/money.ts';
import { type Budgets, openBudgets } from '../../src/engine/budgets/open-budgets.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { EngineEvent, EventSink } from '../../src/ports/event-sink.ts';
import type { Ledger } from '../../src/ports/ledger.ts';
import { budgetsPath, keysPath, ledgerPath } from '../../src/stores/sqlite/data-files.ts';
import { openSqliteBudgetStore, type SqliteBudgetStore } from '../../src/stores/sqlite/sqlite-budget-store.ts';
import { openSqliteControlStore, type SqliteControlStore } from '../../src/stores/sqlite/sqlite-control-store.ts';
import { openSqliteLedger, type SqliteLedger } from '../../src/stores/sqlite/sqlite-ledger.ts';
import { sampleCharge } from '../../src/testing/sample-ledger-rows.ts';

/** A budget for tests: 10 dollars a month, hard. */
export function testBudget(changes: Partial<Budget> = {}): Budget {
  return {
    name: 'team',
    scope: { kind: 'all' },
    limitNanoUsd: parseUsd('10'),
    window: { kind: 'calendar', unit: 'month' },
    timezone: 'UTC',
    mode: 'hard',
    alertAtRatios: [],
    onLowBudget: 'refuse',
    ...changes,
  };
}

/** What a gateway has open in its data folder to count budgets. */
export interface BudgetFolder {
  readonly folder: string;
  readonly ledger: SqliteLedger;
  readonly store: SqliteBudgetStore;
  readonly book: SqliteControlStore;
  readonly budgets: Budgets;
  readonly events: readonly EngineEvent[];
  /** Makes a call of a user that costs so much: reserved, charged, settled. */
  spend(user: string, usd: string): Promise<void>;
  /** Resolves when everything that was spent is in the counters. */
  reported(): Promise<void>;
  /** Closes all, as a gateway does that stops. The folder stays. */
  close(): Promise<void>;
}

let calls = 0;

/** Opens a data folder as a gateway does. */
export async function openBudgetFolder(
  budgets: readonly Budget[],
  folder: string = newFolder(),
  listener?: EventSink,
): Promise<BudgetFolder> {
  const events: EngineEvent[] = [];
  const ports = { clock: systemClock, random: systemRandom };
  const ledger = await openSqliteLedger({ path: ledgerPath(folder), ...ports });
  const store = await openSqliteBudgetStore({ path: budgetsPath(folder), clock: systemClock });
  const book = await openSqliteControlStore({ path: keysPath(folder), clock: systemClock });
  const sink: EventSink = {
    emit(event) {
      events.push(event);
      listener?.emit(event);
    },
  };
  const opened = await openBudgets({ store, ledger, book, budgets, events: sink, ...ports });
  const parts = { folder, ledger, store, book, budgets: opened, events };
  return {
    ...parts,
    spend: (user, usd) => spendFrom(parts, user, usd),
    async reported() {
      await until(async () => !(await anythingUnreported(opened)));
    },
    async close() {
      await opened.close();
      await ledger.close();
      await Promise.all([store.close(), book.close()]);
    },
  };
}

/** A new folder of the system's; to be removed with {@link removeFolder}. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'budgets-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true });
}

/** Makes a call of a user that costs so much: reserved, charged, settled. */
export async function spendFrom(
  { ledger, budgets }: { readonly ledger: Pick<Ledger, 'charge'>; readonly budgets: Budgets },
  user: string,
  usd: string,
): Promise<void> {
  const amountNanoUsd = parseUsd(usd);
  const atMs = Date.now();
  const chargeId = `call_${process.pid}_${(calls += 1)}.1`;
  const facts = { project: 'search', keyId: 'key_1', tags: { user }, target: 'openai/gpt-5.4-mini' };
  const terms = { waitMs: 2000, signal: new AbortController().signal };
  const reservation = await budgets.keeper.reserve(facts, amountNanoUsd, terms);
  const pending = reservation.pend(facts.target, amountNanoUsd, atMs);
  const charge = sampleCharge({ ...facts, chargeId, callId: chargeId.slice(0, -2), atMs, amountNanoUsd });
  const [receipt] = await ledger.charge([charge]);
  if (receipt === undefined) throw new Error('a charge has a receipt');
  pending.settle(receipt);
  reservation.release();
}

async function anythingUnreported({ keeper }: Budgets): Promise<boolean> {
  keeper.tick();
  await keeper.settleDown(true);
  return !keeper.isReady;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => void setTimeout(resolve, 20));
}
