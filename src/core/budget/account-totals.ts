import type { NanoUsd } from '../money.ts';
import type { BucketAmounts } from './account-state.ts';
import { type AccountId, accountId, type Budget, parseDefinition, scopeValue, type SpendingFacts } from './budget.ts';
import { windowPosition, windowStartMs } from './budget-window.ts';

/** A row of the ledger as counters see it. @public */
export interface CountedRow extends SpendingFacts {
  readonly atMs: number;
  readonly amountNanoUsd: NanoUsd;
}

interface CountedDefinition extends Pick<Budget, 'scope' | 'window' | 'timezone'> {
  readonly definition: string;
  readonly floorBucket: number;
  readonly accounts: Map<string, Record<string, NanoUsd>>;
}

/** The earliest time whose rows can count for any of the definitions; 0 for none of them. @public */
export function earliestCountedMs(definitions: readonly string[], nowMs: number): number {
  const starts = definitions.map(parseDefinition).map(({ window, timezone }) => windowStartMs(window, timezone, nowMs));
  return starts.length === 0 ? nowMs : Math.min(...starts);
}

/** Adds rows of the ledger up by account and bucket, for the windows that stand at one moment. @public */
export class AccountTotals {
  readonly #definitions: readonly CountedDefinition[];

  constructor(definitions: readonly string[], nowMs: number) {
    this.#definitions = definitions.map((definition) => {
      const { scope, window, timezone } = parseDefinition(definition);
      const { floorBucket } = windowPosition(window, timezone, nowMs);
      return { definition, scope, window, timezone, floorBucket, accounts: new Map() };
    });
  }

  add(row: CountedRow): void {
    for (const { scope, window, timezone, floorBucket, accounts } of this.#definitions) {
      const value = scopeValue(scope, row);
      if (value === undefined) continue;
      const { bucket } = windowPosition(window, timezone, row.atMs);
      if (bucket < floorBucket) continue;
      let amounts = accounts.get(value);
      if (amounts === undefined) {
        amounts = {};
        accounts.set(value, amounts);
      }
      const sum = (amounts[bucket] ?? 0) + row.amountNanoUsd;
      amounts[bucket] = Math.min(sum, Number.MAX_SAFE_INTEGER) as NanoUsd;
    }
  }

  /** What was added, for each account that got anything. */
  totals(): Map<AccountId, BucketAmounts> {
    const totals = new Map<AccountId, BucketAmounts>();
    for (const { definition, accounts } of this.#definitions) {
      for (const [value, amounts] of accounts) totals.set(accountId(definition, value), amounts);
    }
    return totals;
  }
}
