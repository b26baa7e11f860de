import type { NanoUsd } from '../money.ts';

/**
 * What a step of the engine did with a call and why.
 * @public
 */
export interface Decision {
  /** The step's name: `cache`, `coalesce`, `route` ... */
  readonly step: string;
  /** What it did, one lower-case word: `hit`, `miss`, `skip`, `lead`, `follow` ... */
  readonly verdict: string;
  /** A reason code in kebab-case, when the verdict alone does not say it: `sampling`, `no-store` ... */
  readonly reason?: string;
  /** The target that it was about, as `provider/model`; for attempts. */
  readonly target?: string;
  /** The money effect, when the step knows it: positive saved, negative spent. */
  readonly effectNanoUsd?: NanoUsd;
}

/** Writes decisions as one header value: `cache=miss, coalesce=lead`, with the reason behind a semicolon. @public */
export function formatDecisions(decisions: readonly Decision[]): string {
  let text = '';
  for (const decision of decisions) {
    if (text !== '') text += ', ';
    text += `${decision.step}=${decision.verdict}`;
    if (decision.reason !== undefined) text += `;${decision.reason}`;
  }
  return text;
}
