import { callBound, lowerOutput } from '../../core/budget/call-bound.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { type NanoUsd, nanoUsd } from '../../core/money.ts';
import { boundPrice, type BoundedCall } from '../../middleware/budget/bound-price.ts';
import type { BudgetPolicy } from '../../middleware/budget/budget.ts';
import type { Pricer } from '../../ports/pricer.ts';

/** A call that nobody has made yet. @internal */
export interface ImaginedCall {
  /** In the order in which they may be reached. */
  readonly targets: readonly [Target, ...Target[]];
  readonly inputTokens: number;
  /** Undefined: the call states none. */
  readonly maxOutputTokens: number | undefined;
  readonly atMs: number;
}

/** What a call of that size reserves under a hard budget. @internal */
export type CallEstimate =
  | { readonly kind: 'priced'; readonly amountNanoUsd: NanoUsd; readonly outputTokens: number }
  | { readonly kind: 'unpriced'; readonly target: string };

/**
 * The amount that a call of this size reserves: its upper bound at the dearest target that it may reach.
 * @internal
 */
export function callEstimate(call: ImaginedCall, pricer: Pricer, policy: BudgetPolicy): CallEstimate {
  const [first, ...others] = call.targets;
  const bound = boundOf(call, first, pricer, policy);
  const amount =
    bound === undefined ? undefined : boundPrice(pricer, first, bound, call.atMs, policy.toolAllowanceNanoUsd);
  if (bound === undefined || amount === undefined) return { kind: 'unpriced', target: formatTarget(first) };
  let dearest: number = amount;
  for (const target of others) {
    const other = boundOf(call, target, pricer, policy);
    if (other !== undefined)
      dearest = Math.max(dearest, boundPrice(pricer, target, other, call.atMs, policy.toolAllowanceNanoUsd) ?? 0);
  }
  return { kind: 'priced', amountNanoUsd: nanoUsd(dearest), outputTokens: bound.outputTokens };
}

/** The output limit that the call would be lowered to, where `leftNanoUsd` has room for an answer at all. @internal */
export function loweredOutput(
  call: ImaginedCall,
  leftNanoUsd: NanoUsd,
  pricer: Pricer,
  policy: BudgetPolicy,
): number | undefined {
  const [first] = call.targets;
  const bound = boundOf(call, first, pricer, policy);
  if (bound === undefined) return undefined;
  const priceAt = (outputTokens: number): NanoUsd | undefined =>
    boundPrice(pricer, first, { ...bound, outputTokens }, call.atMs, policy.toolAllowanceNanoUsd);
  return lowerOutput(priceAt, bound.outputTokens, leftNanoUsd, 0);
}

function boundOf(call: ImaginedCall, target: Target, pricer: Pricer, policy: BudgetPolicy): BoundedCall | undefined {
  const size = { kind: 'bounded', textTokens: call.inputTokens, imageTokens: 0, hasOutput: true } as const;
  const limits = { maxOutputTokens: call.maxOutputTokens, samples: 1 };
  const bound = callBound(size, limits, pricer.limits(target), policy);
  return bound.kind === 'bounded' ? bound : undefined;
}
