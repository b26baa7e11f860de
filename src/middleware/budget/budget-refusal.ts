import { isOwn, scopeText } from '../../core/budget/budget.ts';
import { resetsAtMs, windowPosition } from '../../core/budget/budget-window.ts';
import { FarthingError } from '../../core/errors.ts';
import { formatUsd, nanoUsd } from '../../core/money.ts';
import type { BudgetDesk, WaitVerdict } from './budget-desk.ts';

/** For how long a client is asked to stay away when money is merely held, in milliseconds. */
const HELD_RETRY_MS = 1000;

/**
 * The refusal of a call that a budget has no money for: 402 where the money is spent, 429 where others hold it or there are too many tag
 * values, 503 where the counters cannot be asked. Names the budget and says when it resets; never a tag's value, which may be a person, nor what is left of a budget that others spend from, too.
 * @internal
 */
export function budgetRefusal(
  desk: BudgetDesk,
  verdict: Exclude<WaitVerdict, 'reserved'>,
  amount: number,
  nowMs: number,
): FarthingError {
  const { budget } = desk;
  const name = `the budget "${budget.name}"`;
  if (verdict === 'failed') return budgetsUnavailable();
  if (verdict === 'full') {
    return new FarthingError(
      'budget-full',
      `${name} counts too many different values of ${scopeText(budget.scope)} already (limits.maxTagValues)`,
    );
  }
  const position = windowPosition(budget.window, budget.timezone, nowMs);
  const resetMs = resetsAtMs(budget.window, position, desk.oldestBucket);
  const reset =
    resetMs === undefined ? 'it does not reset by itself' : `it resets at ${new Date(resetMs).toISOString()}`;
  // What is left of a budget that others share would tell each of them what the others spend.
  const limit = isOwn(budget.scope) ? ` of its $${formatUsd(budget.limitNanoUsd)}` : '';
  if (verdict === 'held') {
    return new FarthingError(
      'budget-held',
      `${name} has no room at the moment: calls in flight hold what is left${limit}; ${reset}`,
      { retryable: true, retryAfterMs: HELD_RETRY_MS },
    );
  }
  const cost = `may cost $${formatUsd(nanoUsd(amount))}`;
  if (amount > budget.limitNanoUsd) {
    // No reset makes room for it.
    return new FarthingError(
      'budget-spent',
      `${name} is too small for this call, which ${cost}: its limit is $${formatUsd(budget.limitNanoUsd)}; ` +
        'state a lower output limit (or limits.defaultMaxOutputTokens), send less, or raise the budget',
    );
  }
  const left = formatUsd(nanoUsd(Math.max(0, budget.limitNanoUsd - desk.usedNanoUsd)));
  const share = isOwn(budget.scope) ? `, and $${left}${limit} is left` : ', which is more than is left';
  return new FarthingError('budget-spent', `${name} is spent: this call ${cost}${share}; ${reset}`);
}

/** The refusal while the counters of hard budgets cannot be asked, or are being built. @internal */
export function budgetsUnavailable(cause?: unknown): FarthingError {
  return new FarthingError('store-unavailable', 'budgets cannot be checked at the moment', {
    retryable: true,
    ...(cause === undefined ? {} : { cause }),
  });
}
