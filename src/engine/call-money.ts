import { type NanoUsd, nanoUsd, ZERO_USD } from '../core/money.ts';
import type { Target } from '../core/model/target.ts';
import { NO_USAGE, type Usage } from '../core/model/usage.ts';
import { type Savings, savingsOf } from '../core/savings.ts';
import type { Call, CallState } from '../middleware/compose.ts';
import type { Pricer } from '../ports/pricer.ts';

/** The tier of OpenAI that a caller may ask for at half the price. */
const FLEX = 'flex';

/** The money of one call as far as it is known. @internal */
export interface CallMoney {
  /** Undefined when a charge has no price. */
  readonly costNanoUsd: NanoUsd | undefined;
  /** Undefined when the cost or the baseline has no price. */
  readonly savings: Savings | undefined;
  /** Whether any part of the cost is an estimate. */
  readonly isEstimate: boolean;
}

/** A call as far as its money goes. @internal */
export type MoneyCall = Pick<Call, 'state' | 'kind' | 'isOwn' | 'arrivedAtMs'>;

/**
 * What a call cost and what it saved. The baseline is the model asked for at the usage that the caller's own bytes would have met;
 * a call without an answer saved nothing and is its own baseline.
 * @internal
 */
export function callMoney(call: MoneyCall, pricer: Pricer): CallMoney {
  const { state } = call;
  let cost: number | undefined = 0;
  let isEstimate = false;
  let sideCost = 0;
  for (const charge of state.spending.charges) {
    if (charge.certainty === 'estimate') isEstimate = true;
    cost = cost === undefined || charge.amountNanoUsd === undefined ? undefined : cost + charge.amountNanoUsd;
    if (call.isOwn || charge.kind !== call.kind) sideCost += charge.amountNanoUsd ?? 0;
  }
  const costNanoUsd = cost === undefined ? undefined : nanoUsd(cost);
  return {
    costNanoUsd,
    savings: costNanoUsd === undefined ? undefined : savingsWithSide(call, pricer, costNanoUsd, sideCost),
    isEstimate,
  };
}

/** What the side calls of a call cost is told apart; what the caller would have done himself is saved or lost by the other steps. */
function savingsWithSide(call: MoneyCall, pricer: Pricer, cost: NanoUsd, sideCost: number): Savings | undefined {
  const ownCost = nanoUsd(cost - sideCost);
  // A caller without Farthing would not have made it: there is nothing that it could have saved.
  const own = call.isOwn ? savingsOf(ownCost, {}) : savings(call.state, pricer, call.arrivedAtMs, ownCost);
  if (own === undefined || sideCost === 0) return own;
  const { baselineNanoUsd, savedNanoUsd, parts } = own;
  return {
    baselineNanoUsd,
    costNanoUsd: cost,
    savedNanoUsd: nanoUsd(savedNanoUsd - sideCost),
    parts: { ...parts, 'side-calls': nanoUsd(parts['side-calls'] - sideCost) },
  };
}

function savings(state: CallState, pricer: Pricer, atMs: number, cost: NanoUsd): Savings | undefined {
  const { answer, plan } = state;
  if (answer === undefined || plan === undefined) return savingsOf(cost, {});
  if (answer.baselineUsage === NO_USAGE) return savingsOf(cost, {});
  if (state.waitedFor !== undefined && answer.source === 'provider') return waitedSavings(state, pricer, atMs, cost);
  // A provider's own answer is priced as it was charged; only what was not bought is priced here.
  const bought = answer.source === 'provider' || answer.source === 'mixed' ? answer.charge : undefined;
  const isAsSent = answer.baselineUsage === answer.usage;
  const isOwn = answer.source === 'provider' && plan.targets[0] === answer.target && plan.baseline === answer.target;
  if (isOwn && isAsSent && bought?.amountNanoUsd !== undefined) {
    return savingsOf(bought.amountNanoUsd, { retries: cost });
  }
  const priced = (target: Target, usage: Usage): NanoUsd | undefined => {
    const { statedCostUsd: _stated, ...terms } = answer.terms;
    const stated = pricer.price(target, usage, answer.terms, atMs)?.amountNanoUsd;
    if (stated === undefined || usage === answer.usage || answer.terms.statedCostUsd === undefined) return stated;
    // A provider that states its cost stated that of what was sent; the difference is the price book's.
    const asked = pricer.price(target, usage, terms, atMs)?.amountNanoUsd;
    const sent = pricer.price(target, answer.usage, terms, atMs)?.amountNanoUsd;
    return asked === undefined || sent === undefined ? stated : nanoUsd(Math.max(0, stated + asked - sent));
  };
  const baseline = priced(plan.baseline, answer.baselineUsage);
  const routed = priced(plan.targets[0], answer.baselineUsage);
  if (baseline === undefined || routed === undefined) return undefined;
  if (answer.source !== 'provider') {
    return savingsOf(baseline, { route: routed, cache: bought?.amountNanoUsd ?? ZERO_USD, retries: cost });
  }
  if (isAsSent) return savingsOf(baseline, { route: routed, retries: cost });
  // What the steps before sending did is told at the price of the target that routing chose: what another one costs more or less is the retries' doing.
  const optimised = priced(plan.targets[0], answer.unplannedUsage ?? answer.usage);
  const sent = isOwn ? bought?.amountNanoUsd : priced(plan.targets[0], answer.usage);
  if (optimised === undefined || sent === undefined) return undefined;
  return savingsOf(baseline, { route: routed, optimise: optimised, prefix: sent, retries: cost });
}

/**
 * A call that waited for a cheaper time, or was asked on cheaper terms: the baseline, and what each step made of it, at the price of the moment it came and on the
 * usual terms; what waiting saved is the tier's doing.
 */
function waitedSavings(state: CallState, pricer: Pricer, atMs: number, cost: NanoUsd): Savings | undefined {
  const { answer, plan, waitedFor } = state;
  if (answer === undefined || plan === undefined) return savingsOf(cost, {});
  const { statedCostUsd: _stated, serviceTier, ...others } = answer.terms;
  const isTierOurs = waitedFor !== '' && serviceTier === waitedFor;
  // Who asks for flex himself would have had its price without us.
  const ownTier = state.request?.body['service_tier'] === FLEX ? FLEX : undefined;
  const shownTier = isTierOurs ? ownTier : serviceTier;
  const terms = shownTier === undefined ? others : { ...others, serviceTier: shownTier };
  const priced = (target: Target, usage: Usage): NanoUsd | undefined =>
    pricer.price(target, usage, terms, atMs)?.amountNanoUsd;
  const baseline = priced(plan.baseline, answer.baselineUsage);
  const routed = priced(plan.targets[0], answer.baselineUsage);
  const optimised = priced(plan.targets[0], answer.unplannedUsage ?? answer.usage);
  const prefix = priced(plan.targets[0], answer.usage);
  const bought = answer.charge?.amountNanoUsd;
  if (baseline === undefined || routed === undefined || optimised === undefined) return undefined;
  if (prefix === undefined || bought === undefined) return undefined;
  return savingsOf(baseline, { route: routed, optimise: optimised, prefix, tier: bought, retries: cost });
}
