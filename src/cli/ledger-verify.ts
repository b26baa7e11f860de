import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type AccountId, accountParts, parseDefinition } from '../core/budget/budget.ts';
import { formatUsd, nanoUsd } from '../core/money.ts';
import {
  type BudgetDrift,
  type BudgetVerification,
  isRepairable,
  repairBudgets,
  verifyBudgets,
  type VerifyBudgetsOptions,
} from '../engine/budgets/verify-budgets.ts';
import { systemClock } from '../engine/system-ports.ts';
import { commandSettings, openBudgetStorage, openLedger } from './command-storage.ts';
import { addDataOptions, type DataOptions } from './data-folder.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { plainTable } from './plain-table.ts';

interface VerifyOptions extends DataOptions {
  readonly repair?: boolean;
  readonly json?: boolean;
}

/** What was found, and with `--repair` what is left of it. */
interface Verified {
  readonly found: BudgetVerification;
  readonly left: BudgetVerification;
  readonly isRepair: boolean;
}

/** Adds `farthing ledger verify`. @internal */
export function registerVerify(group: Command): void {
  addDataOptions(
    group
      .command('verify')
      .description('Compare every counter of budgets with the ledger: exit code 0, or 1 where they differ'),
  )
    .option('--repair', 'set counters that differ to what the ledger says')
    .option('--json', 'print JSON')
    .action(verifyCommand);
}

async function verifyCommand(options: VerifyOptions): Promise<void> {
  const { storage } = await commandSettings(options);
  const spending = await openLedger(storage);
  try {
    const budgets = await openBudgetStorage(storage);
    try {
      const parts = { store: budgets.store, book: budgets.book, clock: systemClock, sleep: (ms: number) => sleep(ms) };
      const verified = await verify({ ...parts, ...spending }, options.repair === true);
      console.log(
        options.json === true ? JSON.stringify(verifiedJson(verified), undefined, 2) : verifiedText(verified),
      );
      if (verified.left.drifts.length > 0) process.exitCode = EXIT_CODES.failure;
    } finally {
      await budgets.close();
    }
  } finally {
    await spending.close();
  }
}

async function verify(options: VerifyBudgetsOptions, isRepair: boolean): Promise<Verified> {
  if (isRepair) return { ...(await repairBudgets(options)), isRepair };
  const found = await verifyBudgets(options);
  return { found, left: found, isRepair };
}

function accountName(account: AccountId): { readonly budget: string; readonly value: string } {
  const { definition, value } = accountParts(account);
  return { budget: parseDefinition(definition).name, value };
}

function driftJson(drift: BudgetDrift): object {
  const { account, cause, ownerId, expectedNanoUsd, foundNanoUsd } = drift;
  const amounts = { ledgerUsd: formatUsd(expectedNanoUsd), counterUsd: formatUsd(foundNanoUsd) };
  return { ...accountName(account), cause, ...(ownerId === undefined ? {} : { ownerId }), ...amounts };
}

function verifiedJson({ found, left, isRepair }: Verified): object {
  return {
    counters: found.phase,
    accounts: found.accountCount,
    drifts: found.drifts.map(driftJson),
    ...(isRepair ? { driftsLeft: left.drifts.map(driftJson) } : {}),
    notReportedYet: [...left.unreported].map(([account, amount]) =>
      Object.assign({ usd: formatUsd(amount) }, accountName(account)),
    ),
  };
}

function verifiedText({ found, left, isRepair }: Verified): string {
  if (found.phase === 'absent')
    return 'There are no counters yet: a gateway builds them from the ledger when it starts.';
  const lines = [
    found.drifts.length === 0
      ? `${found.accountCount} ${found.accountCount === 1 ? 'account' : 'accounts'}, no drift.`
      : driftTable(found.drifts),
  ];
  if (isRepair && found.drifts.length > 0) {
    lines.push(
      left.drifts.length === 0 ? 'Repaired: no drift any more.' : `Left after the repair:\n${driftTable(left.drifts)}`,
    );
  }
  if (!isRepair && found.drifts.some(isRepairable))
    lines.push('`farthing ledger verify --repair` sets counters to what the ledger says.');
  if (left.drifts.some((drift) => !isRepairable(drift))) {
    lines.push('Where a process has reported more than the ledger has of it, start that process again.');
  }
  const waiting = [...left.unreported.values()].reduce((sum, amount) => sum + amount, 0);
  if (waiting > 0)
    lines.push(`Spent and not reported to the counters yet, which is no drift: $${formatUsd(nanoUsd(waiting))}.`);
  return lines.join('\n');
}

const CAUSES: Readonly<Record<BudgetDrift['cause'], string>> = {
  base: 'counter differs',
  reported: 'reported too much',
  stray: 'held for nobody',
};

function driftTable(drifts: readonly BudgetDrift[]): string {
  const rows = drifts.map((drift) => {
    const { budget, value } = accountName(drift.account);
    const { expectedNanoUsd, foundNanoUsd } = drift;
    const difference = formatUsd(nanoUsd(foundNanoUsd - expectedNanoUsd));
    return [budget, value, CAUSES[drift.cause], formatUsd(expectedNanoUsd), formatUsd(foundNanoUsd), difference];
  });
  const align = ['left', 'left', 'left', 'right', 'right', 'right'] as const;
  return plainTable(['budget', 'account', 'what', 'ledger', 'counter', 'difference'], rows, { align });
}
