/** How large the parts of a value are, as far as the work of a validation depends on them. @internal */
export interface ValueExtent {
  /** UTF-16 code units of the longest string. */
  readonly longestString: number;
  /** Elements of the longest array. */
  readonly longestArray: number;
  /** Members of the widest object. */
  readonly widestObject: number;
}

/** What visiting a schema costs beside the visit itself. @internal */
export interface VisitCost {
  /** Names and listed values that a visit goes through. */
  readonly names: number;
  /** Whether it counts the characters of a string. */
  readonly measuresStrings: boolean;
  /** Whether it compares all elements of an array with one another. */
  readonly comparesElements: boolean;
}

const NO_EXTENT: ValueExtent = { longestString: 0, longestArray: 0, widestObject: 0 };

/** Names that a plain visit goes through. */
const FREE_NAMES = 16;

/**
 * Counts the steps of a validation and ends it when they are too many. An evaluator without such a bound takes exponential time for a few lines of nested `$ref`.
 * @internal
 */
export class SchemaWork {
  #stepsLeft = 0;
  #extent: ValueExtent = NO_EXTENT;

  /** Of the last validation; below 0: it was ended. */
  get stepsLeft(): number {
    return this.#stepsLeft;
  }

  /** Runs one validation. @throws RangeError when it takes more steps. */
  within<Result>(steps: number, extent: ValueExtent, run: () => Result): Result {
    this.#stepsLeft = steps;
    this.#extent = extent;
    return run();
  }

  /** Accounts for a visit of a schema. What a visit goes through is free up to a few names; the divisors are how many of each take the time of a plain visit, measured. */
  visit(cost: VisitCost): void {
    const { longestString, longestArray, widestObject } = this.#extent;
    let steps = 1 + Math.max(0, cost.names - FREE_NAMES) / 2 + Math.max(0, widestObject - FREE_NAMES) / 2;
    if (cost.measuresStrings) steps += longestString / 256;
    if (cost.comparesElements) steps += (longestArray * longestArray) / 16;
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new RangeError('too many steps');
  }
}
