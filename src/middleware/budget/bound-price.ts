import type { CallBound } from '../../core/budget/call-bound.ts';
import type { Target } from '../../core/model/target.ts';
import { addUsd, type NanoUsd, ZERO_USD } from '../../core/money.ts';
import type { Pricer } from '../../ports/pricer.ts';

/** The size of a call that can be bounded. @internal */
export type BoundedCall = Omit<Extract<CallBound, { readonly kind: 'bounded' }>, 'kind' | 'mustSendLimit'>;

/** The most that a call of this size costs at a target, with the allowance for the provider's tools where it may use them. Undefined without a price. @internal */
export function boundPrice(
  pricer: Pricer,
  target: Target,
  bound: BoundedCall,
  atMs: number,
  toolAllowanceNanoUsd: NanoUsd,
): NanoUsd | undefined {
  const { inputTokens, outputTokens, samples, needsToolAllowance } = bound;
  const amount = pricer.upperBound(target, { inputTokens, maxOutputTokens: outputTokens, samples }, atMs);
  if (amount === undefined) return undefined;
  return addUsd(amount, needsToolAllowance ? toolAllowanceNanoUsd : ZERO_USD);
}
