/** Calls that wait until money comes back that others have set aside: the first goes first, and one at a time. @internal */
export class MoneyLine {
  readonly #waiting: (() => void)[] = [];

  /** How many wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves when money may have come back, or `signal` has fired. */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const leave = (): void => {
        const index = this.#waiting.indexOf(go);
        if (index >= 0) this.#waiting.splice(index, 1);
        resolve();
      };
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(go);
    });
  }

  /** Lets the first of those that wait try. */
  letTry(): void {
    this.#waiting.shift()?.();
  }
}
