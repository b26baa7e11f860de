import type { BudgetAlert } from '../core/budget/budget-alert.ts';
import type { CallRecord } from '../core/model/charge.ts';
import type { NanoUsd } from '../core/money.ts';

/** What the engine reports beside replies and ledger rows. Names are noun-verb. @public */
export type EngineEvent =
  | { readonly kind: 'call-finished'; readonly record: CallRecord }
  | {
      readonly kind: 'store-failed';
      readonly store:
        | 'cache'
        | 'ledger'
        | 'budgets'
        | 'limits'
        | 'leases'
        | 'states'
        | 'alerts'
        | 'webhooks'
        | 'jobs'
        | 'judged-log';
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
  /** The guard has certified a cheaper target (or a cascade, or more of its calls): it answers the route's calls from now on. */
  | {
      readonly kind: 'route-certified';
      readonly route: string;
      /** `provider/model`, or `cascade`. */
      readonly target: string;
      /** Mean loss of quality of the samples that it rests on, as a share. */
      readonly meanLoss: number;
      readonly samples: number;
    }
  /** The guard has seen quality fall: the route is back at its strong target, and calibration begins anew. */
  | {
      readonly kind: 'route-alarm';
      readonly route: string;
      readonly target: string;
      readonly meanLoss: number;
      readonly samples: number;
    }
  /** A cascade was switched off, since cheap answers cost more than they spared, or on again. */
  | {
      readonly kind: 'cascade-switched';
      readonly route: string;
      readonly isOn: boolean;
      /** Share of the latest calls that it escalated. */
      readonly escalatedRatio: number;
    }
  /** A call of a route was drawn for the guard. `outcome`: `judged`, or why no sample came of it, as a code. */
  | {
      readonly kind: 'route-sampled';
      readonly route: string;
      readonly outcome: string;
      /** What asking and judging cost. */
      readonly costNanoUsd: NanoUsd;
    }
  /** A batch is at its provider. */
  | {
      readonly kind: 'batch-submitted';
      readonly batchId: string;
      /** The provider's id. */
      readonly providerId: string;
      readonly target: string;
      readonly requests: number;
    }
  /** A batch is settled: all its rows are charged, or known not to have been answered. */
  | {
      readonly kind: 'batch-ended';
      readonly batchId: string;
      readonly target: string;
      readonly requests: number;
      readonly answered: number;
      /** Rows that came back as errors, or not at all. */
      readonly failed: number;
      /** From its submission to its end. */
      readonly durationMs: number;
    }
  /** A provider did not take a batch, or failed it as a whole; its calls wait again, are asked live, or fail. `reason` is the provider's word. */
  | { readonly kind: 'batch-refused'; readonly batchId: string; readonly target: string; readonly reason: string }
  /** A batch has a row that nobody asked for. */
  | { readonly kind: 'batch-row-unknown'; readonly batchId: string; readonly customId: string }
  /** The answer of a deferred call came after its deadline. */
  | { readonly kind: 'deadline-missed'; readonly callId: string; readonly target: string; readonly lateMs: number }
  | { readonly kind: 'internal-fault'; readonly callId: string; readonly error: unknown };

/** Takes events for logs, metrics and `onCall`. Must not throw and must not block. @public */
export interface EventSink {
  emit(event: EngineEvent): void;
}
