import type { CooldownPolicy } from './target-health.ts';

/** When a second attempt is made beside one that is slow. @public */
export interface HedgePolicy {
  /** After the time that this share (0..1) of a target's attempts stayed within. */
  readonly percentileRatio: number;
  /** Never earlier, in milliseconds. */
  readonly minDelayMs: number;
}

/** What is done about providers that fail. @public */
export interface ResiliencePolicy {
  /** Further attempts of a call on the same target; 0 for none. */
  readonly retries: number;
  /** Retries on the same target as a share of the calls that it gets, 0..1. Moving on to another target is exempt. */
  readonly retryBudgetRatio: number;
  readonly cooldown: CooldownPolicy;
  /**
   * What becomes of a stream that breaks after something of it was relayed. `error`: an error event. `continue`: the next target goes on from the
   * text so far. `buffer`: nothing is relayed before the answer is whole, so that any target can take over.
   */
  readonly midStream: 'error' | 'continue' | 'buffer';
  /** What becomes of a call that a provider's content filter refused: its refusal is passed on, or the next target is asked. */
  readonly contentFilter: 'pass' | 'next';
  /** Undefined: no second attempts beside slow ones. */
  readonly hedge: HedgePolicy | undefined;
  /** Whether parameters that a target is known to refuse are left out or renamed for it. */
  readonly adaptParameters: boolean;
}

/** What holds unless the operator says otherwise; as `resilience` of the configuration. @public */
export const DEFAULT_RESILIENCE: ResiliencePolicy = {
  retries: 2,
  retryBudgetRatio: 0.2,
  cooldown: { failures: 5, failureRatio: 0.5, lengthMs: 20_000, refusedLengthMs: 60_000 },
  midStream: 'error',
  contentFilter: 'pass',
  hedge: undefined,
  adaptParameters: true,
};
