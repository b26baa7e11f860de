import { type NanoUsd, nanoUsd, ZERO_USD } from './money.ts';

/**
 * The steps that can earn or lose money, in the fixed order in which the parts telescope.
 * @public
 */
export const SAVING_STEPS = ['route', 'cache', 'optimise', 'prefix', 'tier', 'retries', 'side-calls'] as const;

/** One step of {@link SAVING_STEPS}. `cache` covers coalescing too. @public */
export type SavingStep = (typeof SAVING_STEPS)[number];

/** What each step saved (positive) or lost (negative); the parts sum exactly to `saved`. @public */
export type SavingParts = Readonly<Record<SavingStep, NanoUsd>>;

/** The money side of one call. All amounts in nano-dollars. @public */
export interface Savings {
  /** What the call would have cost as the caller wrote it, with no Farthing in between. */
  readonly baselineNanoUsd: NanoUsd;
  /** What it did cost: the sum of its charges. */
  readonly costNanoUsd: NanoUsd;
  /** `baseline - cost`; negative when a step lost money. */
  readonly savedNanoUsd: NanoUsd;
  readonly parts: SavingParts;
}

/** Parts in which nothing was saved or lost, to be filled. @internal */
export function noParts(): Record<SavingStep, NanoUsd> {
  return {
    route: ZERO_USD,
    cache: ZERO_USD,
    optimise: ZERO_USD,
    prefix: ZERO_USD,
    tier: ZERO_USD,
    retries: ZERO_USD,
    'side-calls': ZERO_USD,
  };
}

/** The cost of the call after each step has been applied, in the order of {@link SAVING_STEPS}. @public */
export type StepCosts = Readonly<Partial<Record<SavingStep, NanoUsd>>>;

/**
 * Telescopes: each part is the cost before its step minus the cost after it, so that the parts sum to baseline minus the last cost.
 * A step that is absent changed nothing.
 * @public
 */
export function savingsOf(baseline: NanoUsd, costAfter: StepCosts): Savings {
  const parts = noParts();
  let cost: NanoUsd = baseline;
  for (const step of SAVING_STEPS) {
    const after = costAfter[step];
    if (after === undefined) continue;
    parts[step] = nanoUsd(cost - after);
    cost = after;
  }
  return { baselineNanoUsd: baseline, costNanoUsd: cost, savedNanoUsd: nanoUsd(baseline - cost), parts };
}
