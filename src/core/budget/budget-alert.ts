import type { NanoUsd } from '../money.ts';

/** Spending has crossed a share of a budget's limit. @public */
export interface BudgetAlert {
  readonly budget: string;
  /** The project, key, model or tag value; empty for the scope `all`. */
  readonly value: string;
  readonly mode: 'hard' | 'soft';
  /** The share that was crossed, 0..1 and above for soft budgets. */
  readonly ratio: number;
  readonly usedNanoUsd: NanoUsd;
  readonly limitNanoUsd: NanoUsd;
  readonly atMs: number;
  /** When the window ends; undefined for rolling windows and totals. */
  readonly windowEndsAtMs: number | undefined;
}
