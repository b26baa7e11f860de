import { expect, onTestFinished, test } from 'vitest';
import type { SpendingFacts } from '../../src/core/budget/budget.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { type Budgets, openBudgets } from '../../src/engine/budgets/open-budgets.ts';
import { systemClock, systemRandom } from '../../src/engine/system-ports.ts';
import type { Reservation } from '../../src/middleware/budget/reservation.ts';
import { MemoryBudgetStore } from '../../src/stores/memory/memory-budget-store.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { MemoryLedgerRows } from '../../src/stores/memory-ledger/memory-ledger-rows.ts';
import { testBudget } from '../support/budget-folder.ts';

const FACTS: SpendingFacts = { project: 'web', keyId: 'key_1', tags: {}, target: 'openai/gpt-5.4-mini' };

/** As many processes as one wants, on one store. */
async function openMany(count: number, limitNanoUsd: number): Promise<readonly Budgets[]> {
  const ports = { clock: systemClock, random: systemRandom };
  const store = new MemoryBudgetStore(ports);
  const rows = new MemoryLedgerRows(1000);
  const budgets = [testBudget({ limitNanoUsd: nanoUsd(limitNanoUsd) })];
  const opened: Budgets[] = [];
  onTestFinished(async () => {
    await Promise.all(opened.map((each) => each.close()));
  });
  for (let number = 0; number < count; number += 1) {
    const ledger = new MemoryLedger({}, { rows, leaseMs: 3_600_000, ...ports });
    const events = { emit: () => undefined };
    // oxlint-disable-next-line no-await-in-loop -- the first one builds the counters
    opened.push(await openBudgets({ store, ledger, budgets, events, ...ports }));
  }
  return opened;
}

function reserve({ keeper }: Budgets, amount: number): Promise<Reservation> {
  return Promise.resolve(keeper.reserve(FACTS, amount, { waitMs: 2000, signal: new AbortController().signal }));
}

test('processes that each hold a part too small for the call that waits there give it up until one of the calls fits', async () => {
  const processes = await openMany(4, 1000);
  const first = await Promise.all(processes.map((process) => reserve(process, 250)));
  for (const reservation of first) reservation.release();
  const second = await Promise.allSettled(processes.map((process) => reserve(process, 400)));
  const given = second.filter((each) => each.status === 'fulfilled');
  expect(given).toHaveLength(2);
  for (const { value } of given) value.release();
});
