import { addUsd, type NanoUsd, nanoUsd, ZERO_USD } from '../money.ts';

/**
 * Why an attempt was not made. `spent`: what is left does not suffice. `held`: it may, once others that are under way have cost less than they might.
 * `unbounded`: nobody can say what the attempt may cost.
 * @internal
 */
export type PurseRefusal = 'spent' | 'held' | 'unbounded';

/** The part of a purse that one call takes from. @internal */
export interface PurseShare {
  take(boundNanoUsd: NanoUsd | undefined): boolean;
  settle(boundNanoUsd: NanoUsd | undefined, amountNanoUsd: NanoUsd | undefined): void;
  /** Why the last attempt of the call was refused; undefined: none was. */
  readonly refusal: PurseRefusal | undefined;
}

/**
 * What a run may spend. An attempt is made only when the most that it can cost is there, beside what all others under way may cost: so that the sum of
 * what was spent never passes the limit, whatever the order. (A bill above its bound, which the engine reports as an overrun, is the exception.)
 * @internal
 */
export class RunPurse {
  readonly #limit: NanoUsd;
  readonly #onFreed: () => void;
  #spent: NanoUsd;
  #held: NanoUsd = ZERO_USD;

  /**
   * @param spentNanoUsd - what the run spent before.
   * @param onFreed - told whenever money that was set aside has come back.
   */
  constructor(limitNanoUsd: NanoUsd, spentNanoUsd: NanoUsd, onFreed: () => void) {
    this.#limit = limitNanoUsd;
    this.#spent = spentNanoUsd;
    this.#onFreed = onFreed;
  }

  /** What is neither spent nor set aside; negative after an overrun. */
  get leftNanoUsd(): NanoUsd {
    return nanoUsd(this.#limit - this.#spent - this.#held);
  }

  get spentNanoUsd(): NanoUsd {
    return this.#spent;
  }

  /** For one call. */
  share(): PurseShare {
    let refusal: PurseRefusal | undefined;
    return {
      take: (bound) => {
        refusal = this.#take(bound);
        return refusal === undefined;
      },
      settle: (bound, amount) => this.#settle(bound, amount),
      get refusal() {
        return refusal;
      },
    };
  }

  #take(bound: NanoUsd | undefined): PurseRefusal | undefined {
    if (bound === undefined) return 'unbounded';
    if (bound > this.leftNanoUsd) return bound > this.#limit - this.#spent ? 'spent' : 'held';
    this.#held = addUsd(this.#held, bound);
    return undefined;
  }

  #settle(bound: NanoUsd | undefined, amount: NanoUsd | undefined): void {
    this.#held = nanoUsd(this.#held - (bound ?? 0));
    this.#spent = addUsd(this.#spent, amount ?? ZERO_USD);
    this.#onFreed();
  }
}
