import { type NanoUsd, nanoUsd, ZERO_USD } from '../core/money.ts';
import { NO_USAGE } from '../core/model/usage.ts';
import { type Savings, savingsOf } from '../core/savings.ts';
import type { CallState } from '../middleware/compose.ts';
import type { Pricer } from '../ports/pricer.ts';

/** The money of one call as far as it is known. @internal */
export interface CallMoney {
  /** Undefined when a charge has no price. */
  readonly costNanoUsd: NanoUsd | undefined;
  /** Undefined when the cost or the baseline has no price. */
  readonly savings: Savings | undefined;
  /** Whether any part of the cost is an estimate. */
  readonly isEstimate: boolean;
}

/**
 * What a call cost and what it saved. The baseline is the model asked for at the usage that the caller's own bytes would have met;
 * a call without an answer saved nothing and is its own baseline.
 * @internal
 */
export function callMoney(state: CallState, pricer: Pricer, atMs: number): CallMoney {
  let cost: number | undefined = 0;
  let isEstimate = false;
  for (const charge of state.charges) {
    if (charge.certainty === 'estimate') isEstimate = true;
    cost = cost === undefined || charge.amountNanoUsd === undefined ? undefined : cost + charge.amountNanoUsd;
  }
  const costNanoUsd = cost === undefined ? undefined : nanoUsd(cost);
  return {
    costNanoUsd,
    savings: costNanoUsd === undefined ? undefined : savings(state, pricer, atMs, costNanoUsd),
    isEstimate,
  };
}

function savings(state: CallState, pricer: Pricer, atMs: number, cost: NanoUsd): Savings | undefined {
  const { answer, plan } = state;
  if (answer === undefined || plan === undefined) return savingsOf(cost, {});
  if (answer.baselineUsage === NO_USAGE) return savingsOf(cost, {});
  // A provider's own answer is priced as it was charged; only what was not bought is priced here.
  const bought = answer.source === 'provider' || answer.source === 'mixed' ? answer.charge : undefined;
  const isOwn = answer.source === 'provider' && plan.targets[0] === answer.target && plan.baseline === answer.target;
  if (isOwn && bought?.amountNanoUsd !== undefined) {
    return savingsOf(bought.amountNanoUsd, { retries: cost });
  }
  const baseline = pricer.price(plan.baseline, answer.baselineUsage, answer.terms, atMs)?.amountNanoUsd;
  const routed = pricer.price(plan.targets[0], answer.baselineUsage, answer.terms, atMs)?.amountNanoUsd;
  if (baseline === undefined || routed === undefined) return undefined;
  // Another target than the one that routing chose: what that one costs more or less is the retries' doing.
  const afterCache = answer.source === 'provider' ? routed : (bought?.amountNanoUsd ?? ZERO_USD);
  return savingsOf(baseline, { route: routed, cache: afterCache, retries: cost });
}
