import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseUsd } from '../src/core/money.ts';

const MAIN = resolve(import.meta.dirname, '../src/cli/main.ts');

async function demo(...options: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'demo', ...options], { timeout: 60_000 });
  return stdout;
}

test(
  'the demo saves money by cache and coalescing, and its ledger equals the invoice to the nano-dollar',
  { timeout: 60_000 },
  async () => {
    const bill = JSON.parse(await demo('--json', '--calls', '400', '--seconds', '5', '--seed', '3'));
    expect(bill.proof).toMatchObject({ differenceUsd: '0.00' });
    expect(Number(bill.proof.invoiceUsd)).toBeGreaterThan(0.1);
    expect(Number(bill.savedUsd)).toBeGreaterThan(0);
    expect(parseUsd(bill.baselineUsd) - parseUsd(bill.costUsd)).toBe(parseUsd(bill.savedUsd));
    expect(bill.hits).toBeGreaterThan(10);
    expect(bill.coalesced).toBeGreaterThan(10);
    expect(bill.missedByMode.calls).toBeGreaterThan(0);
    expect(bill.usage.cacheRead).toBeGreaterThan(0);
    expect(bill.usage.cacheWrite5m).toBeGreaterThan(0);
    expect(bill.unpricedCharges).toBe(0);
    expect(bill.outcome).toMatchObject({ failed: 0, held: 0, refused: 4, abandoned: 4, taken: 20 });
    expect(bill.later).toEqual({ taken: 20, answered: 20, byBatch: 20, byLive: 0, failed: 0, missing: 0 });
    const batches = bill.levers.find(({ lever }: { readonly lever: string }) => lever.startsWith('batches'));
    expect(batches.calls).toBe(20);
    expect(Number(batches.savedUsd)).toBeGreaterThan(0.001);
  },
);

test(
  'a few users reach their budget: no account passes its limit, counters equal the ledger, and refused calls cost nothing',
  { timeout: 60_000 },
  async () => {
    const bill = JSON.parse(
      await demo('--json', '--calls', '400', '--seconds', '5', '--seed', '3', '--user-limit', '0.15'),
    );
    const [everything, perUser] = bill.budgets;
    expect(everything).toMatchObject({ name: 'everything', limitUsd: '12.00', usedUsd: bill.costUsd });
    expect(perUser).toMatchObject({ name: 'per-user', limitUsd: '0.15', usedUsd: bill.costUsd });
    for (const budget of bill.budgets) {
      expect(budget).toMatchObject({ ledgerUsd: budget.usedUsd, differenceUsd: '0.00', accountsOverLimit: 0 });
    }
    expect(bill.overBudget.calls).toBeGreaterThan(0);
    expect(bill.overBudget).toMatchObject({ calls: perUser.refused.spent, costUsd: '0.00' });
    expect(bill.outcome).toMatchObject({ failed: 0, overBudget: bill.overBudget.calls });
    expect(bill.proof).toMatchObject({ differenceUsd: '0.00' });
    const { sentAgain, ...outcomes } = bill.outcome;
    expect(Object.values<number>(outcomes).reduce((sum, calls) => sum + calls, 0)).toBe(400);
    // A client may leave before its request has left.
    expect(400 + sentAgain - bill.calls).toBeLessThanOrEqual(outcomes.abandoned);
    expect(400 + sentAgain - bill.calls).toBeGreaterThanOrEqual(0);
  },
);

test('without a terminal the demo prints plain lines and the bill', { timeout: 60_000 }, async () => {
  const text = await demo('--calls', '60', '--seconds', '1');
  expect(text).toContain('100 %  60 calls');
  expect(text).toContain('THE BILL');
  expect(text).toContain('THE BUDGETS');
  expect(text).toMatch(/difference +\$0\.000000000/);
  expect(text).not.toContain(String.fromCodePoint(27));
});
