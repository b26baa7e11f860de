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

/**
 * Counts the steps of a validation and ends it when they are too many. An evaluator without such a bound takes exponential time for a few lines of nested `$ref`.
 * @internal
 */
export class SchemaWork {
  #stepsLeft = 0;
  #extent: ValueExtent = NO_EXTENT;

  /** Runs one validation. @throws RangeError when it takes more steps. */
  within<Result>(steps: number, extent: ValueExtent, run: () => Result): Result {
    this.#stepsLeft = steps;
    this.#extent = extent;
    return run();
  }

  /** Accounts for a visit of a schema. Divisors: how many of each go into the time of a plain visit, measured and rounded down. */
  visit(cost: VisitCost): void {
    const { longestString, longestArray, widestObject } = this.#extent;
    let steps = 1 + cost.names / 8 + widestObject / 4;
    if (cost.measuresStrings) steps += longestString / 64;
    if (cost.comparesElements) steps += (longestArray * longestArray) / 64;
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new RangeError('too many steps');
  }
}
