import type { ChargeCertainty } from '../model/charge.ts';
import type { NanoUsd } from '../money.ts';

/** What {@link HeldMoney} is made of. @public */
export interface HeldMoneyTerms {
  readonly amountNanoUsd: NanoUsd;
  /** `provider/model` that it is counted under: attempts elsewhere are counted by other budgets, and need money of their own. */
  readonly target: string;
  /** Whether the call is still this process's to ask. */
  readonly mayUse: () => boolean;
}

/**
 * The money that a row of the ledger holds for a call which was deferred, while the call is asked live. An attempt at a time may be made on the strength of it, so that it never is free for
 * others in between; one that cost nothing leaves it as it was. The first that costs anything is charged in place of the row.
 * @public
 */
export class HeldMoney {
  readonly amountNanoUsd: NanoUsd;
  readonly target: string;
  readonly #mayUse: () => boolean;
  #state: 'whole' | 'taken' | 'spent' = 'whole';

  constructor({ amountNanoUsd, target, mayUse }: HeldMoneyTerms) {
    this.amountNanoUsd = amountNanoUsd;
    this.target = target;
    this.#mayUse = mayUse;
  }

  /** Whether an attempt has been charged in its place. */
  get isSpent(): boolean {
    return this.#state === 'spent';
  }

  /** Whether it is there for an attempt at a target. */
  isFor(target: string): boolean {
    return this.#state === 'whole' && target === this.target;
  }

  /** Takes it for one attempt. False: the attempt needs money of its own. */
  take(target: string): boolean {
    if (!this.isFor(target) || !this.#mayUse()) return false;
    this.#state = 'taken';
    return true;
  }

  /** The attempt that took it is over. */
  settle(certainty: ChargeCertainty): void {
    this.#state = certainty === 'none' ? 'whole' : 'spent';
  }
}
