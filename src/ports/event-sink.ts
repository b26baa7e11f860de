import type { BudgetAlert } from '../core/budget/budget-alert.ts';
import type { CallRecord } from '../core/model/charge.ts';
import type { NanoUsd } from '../core/money.ts';

/** What the engine reports beside replies and ledger rows. Names are noun-verb. @public */
export type EngineEvent =
  | { readonly kind: 'call-finished'; readonly record: CallRecord }
  | {
      readonly kind: 'store-failed';
      readonly store: 'cache' | 'ledger' | 'budgets' | 'limits' | 'leases' | 'states' | 'alerts';
      readonly operation: string;
      readonly error: unknown;
    }
  | { readonly kind: 'unpriced-charged'; readonly callId: string; readonly target: string }
  | { readonly kind: 'usage-missing'; readonly callId: string; readonly target: string }
  /** An attempt failed; `reason` is `status-<n>`, `error-in-reply` or the code of an error. */
  | { readonly kind: 'attempt-failed'; readonly callId: string; readonly target: string; readonly reason: string }
  /** A target failed too often and is left alone for a while. */
  | { readonly kind: 'target-rested'; readonly target: string; readonly restsMs: number; readonly reason: string }
  /** A target that was left alone answers again. */
  | { readonly kind: 'target-recovered'; readonly target: string }
  /** Our own count of a prompt was held against what the provider stated; `errorRatio` is how far off it was, as a share of that. */
  | { readonly kind: 'tokens-estimated'; readonly target: string; readonly errorRatio: number }
  /** Spending has crossed one of a budget's alert ratios, for the first time in its window. */
  | {
      readonly kind: 'budget-alert';
      readonly alert: BudgetAlert;
    }
  /** A call was refused, or for a soft budget would have been. */
  | { readonly kind: 'budget-refused'; readonly budget: string; readonly reason: 'spent' | 'held' | 'full' | 'failed' }
  /** A bill was above the bound that had been reserved for it: the only way in which a hard limit can be passed. */
  | {
      readonly kind: 'budget-overrun';
      readonly callId: string;
      readonly boundNanoUsd: NanoUsd;
      readonly amountNanoUsd: NanoUsd;
    }
  /** Counters are built again from the ledger; hard budgets give no money until `isReady`. */
  | {
      readonly kind: 'budgets-rebuilt';
      readonly isReady: boolean;
      readonly generation: string;
      /** Whether there were none before, as far as this process knows: it has just started, and the store is empty. */
      readonly isFirst: boolean;
    }
  | { readonly kind: 'internal-fault'; readonly callId: string; readonly error: unknown };

/** Takes events for logs, metrics and `onCall`. Must not throw and must not block. @public */
export interface EventSink {
  emit(event: EngineEvent): void;
}
