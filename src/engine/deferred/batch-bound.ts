import type { DeferredCall } from '../../core/model/deferred-call.ts';
import { type ServedTerms, type Usage, usageOf } from '../../core/model/usage.ts';
import { type NanoUsd, nanoUsd } from '../../core/money.ts';
import type { PricedAmount } from '../../ports/pricer.ts';

/** Of which batch and live prices are compared: enough that no rounding shows. */
const COMPARED_TOKENS = 1_000_000;

const BATCH: ServedTerms = { serviceTier: 'batch' };

/**
 * The most that a deferred call may cost in a batch: what is held for it, which is the most that it may cost live, by how much dearer a batch makes its tokens at the most.
 * Undefined: it has no price.
 * @internal
 */
export function batchBound(
  { boundNanoUsd, endpoint }: Pick<DeferredCall, 'boundNanoUsd' | 'endpoint'>,
  price: (usage: Usage, terms: ServedTerms) => PricedAmount | undefined,
): NanoUsd | undefined {
  if (boundNanoUsd === 0) return undefined;
  const input = usageOf({ input: COMPARED_TOKENS });
  const output = usageOf({ output: COMPARED_TOKENS });
  const ratios = (endpoint === 'embeddings' ? [input] : [input, output]).map((usage) => {
    const live = price(usage, {})?.amountNanoUsd ?? 0;
    const batch = price(usage, BATCH)?.amountNanoUsd;
    // Nobody can say how much less it is.
    return batch === undefined || live === 0 ? 1 : batch / live;
  });
  return nanoUsd(Math.ceil(boundNanoUsd * Math.min(1, Math.max(...ratios))));
}
