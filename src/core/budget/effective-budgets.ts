import type { Budget } from './budget.ts';

/** A budget that holds, and who set it. @public */
export interface EffectiveBudget {
  readonly budget: Budget;
  /** `stored`: set while gateways run, by the admin API or the command line. */
  readonly origin: 'configuration' | 'stored';
}

/**
 * The budgets that hold: those of the configuration, each replaced by a stored one of the same name, then the other stored ones.
 * @public
 */
export function effectiveBudgets(configured: readonly Budget[], stored: readonly Budget[]): readonly EffectiveBudget[] {
  const byName = new Map<string, EffectiveBudget>();
  for (const budget of configured) byName.set(budget.name, { budget, origin: 'configuration' });
  for (const budget of stored) byName.set(budget.name, { budget, origin: 'stored' });
  return [...byName.values()];
}
