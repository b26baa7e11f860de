import { expect, test } from 'vitest';
import { testBudget } from '../../../test/support/budget-folder.ts';
import { accountId, budgetDefinition } from '../../core/budget/budget.ts';
import { windowPosition } from '../../core/budget/budget-window.ts';
import { nanoUsd } from '../../core/money.ts';
import type { SpendingRow } from '../../ports/ledger.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { countLedger } from './ledger-count.ts';

const BUDGET = testBudget();
const DEFINITION = budgetDefinition(BUDGET);
const TEAM = accountId(DEFINITION, '');

test('a correction is for its owner to count when it was booked from the cut on, in the window of its estimate', async () => {
  const nowMs = new FakeClock().nowMs();
  const cutMs = nowMs - 1000;
  const { bucket } = windowPosition(BUDGET.window, BUDGET.timezone, nowMs);
  const row = (amount: number, atMs: number, bookedAtMs: number): SpendingRow => ({
    ownerId: 'a',
    atMs,
    bookedAtMs,
    amountNanoUsd: nanoUsd(amount),
    project: 'p',
    keyId: 'k',
    tags: {},
    target: 'openai/m',
  });
  const rows = [
    row(1, cutMs - 1, cutMs - 1),
    row(-20, cutMs - 2, cutMs - 1),
    row(-300, cutMs - 2, cutMs),
    row(4000, cutMs, cutMs),
    // Of an estimate in a window that is over.
    row(-50_000, bucket - 1, cutMs),
  ];
  const ledger = {
    async *spending({ fromMs = 0 }) {
      yield* rows.filter(({ atMs }) => atMs >= fromMs);
    },
  };
  const { bases, shares } = await countLedger(
    { ledger, book: undefined },
    [DEFINITION],
    [{ ownerId: 'a', cutMs }],
    nowMs,
  );
  expect(bases).toEqual(new Map([[TEAM, { [bucket]: -19 }]]));
  expect(shares).toEqual(new Map([['a', new Map([[TEAM, { [bucket]: 3700 }]])]]));
});
