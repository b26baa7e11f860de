import type { GuardPlan, GuardState } from '../../core/guard/guard-state.ts';
import { readGuardState } from '../../core/guard/read-guard-state.ts';

/** A guard as it is kept. @internal */
export interface StoredGuard {
  readonly guard: GuardState;
  /** The samples that came last, by id: one whose write may have taken place is not counted twice. */
  readonly recent: readonly string[];
}

/**
 * Reads what a store held.
 * @returns undefined where it is none, or of another plan.
 * @internal
 */
export function readStoredGuard(value: unknown, plan: GuardPlan): StoredGuard | undefined {
  if (typeof value !== 'object' || value === null || !('guard' in value) || !('recent' in value)) return undefined;
  const { recent } = value;
  if (!Array.isArray(recent) || !recent.every((id) => typeof id === 'string')) return undefined;
  const guard = readGuardState(value.guard, plan);
  return guard === undefined ? undefined : { guard, recent };
}
