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
    expect(bill.outcome).toMatchObject({ failed: 0, refused: 4, abandoned: 4 });
  },
);

test('without a terminal the demo prints plain lines and the bill', { timeout: 60_000 }, async () => {
  const text = await demo('--calls', '60', '--seconds', '1');
  expect(text).toContain('100 %  60 calls');
  expect(text).toContain('THE BILL');
  expect(text).toMatch(/difference +\$0\.000000000/);
  expect(text).not.toContain(String.fromCodePoint(27));
});
