import type { BatchConfig } from '../../config/config.ts';
import type { Deferral } from '../../middleware/compose.ts';
import type { BatchDesk } from '../../jobs/batch/batch-desk.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PlainHeaders } from '../credentials.ts';
import { deadlineTerms } from './deadline-terms.ts';

/** What {@link DeferredDesk} works with. @internal */
export interface DeferredDeskOptions {
  readonly desk: Pick<BatchDesk, 'deferralFor'>;
  /** The configuration of now. */
  readonly config: () => BatchConfig;
  readonly clock: Clock;
}

/** Reads from a call's headers whether it may be answered later, and on which terms. @internal */
export class DeferredDesk {
  readonly #options: DeferredDeskOptions;

  constructor(options: DeferredDeskOptions) {
    this.#options = options;
  }

  /**
   * Undefined: the call is an ordinary one.
   * @throws FarthingError `invalid-request` that names the header at fault.
   */
  deferralOf(headers: PlainHeaders): Deferral | undefined {
    const { desk, config, clock } = this.#options;
    const { allowsDeadlines, webhooks } = config();
    const asked = deadlineTerms(headers, webhooks?.urls ?? [], clock.nowMs());
    if (asked === undefined) return undefined;
    const terms = { run: '', position: 0, ...asked };
    return allowsDeadlines
      ? desk.deferralFor(terms)
      : { terms, mayAnswerLive: true, obstacle: 'off', accept: () => Promise.resolve(undefined) };
  }
}
